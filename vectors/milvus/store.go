// Package milvus keeps the vectors in a Milvus server (2.4 or later, or Milvus Lite). Each run is a
// collection <alias>_<run>; the alias points to the published one, and readers resolve it once and then
// stay with the collection's own name.
//
// A collection cannot outlive its removal as a folder does: drop a run only when no reader can still be
// using it. The rows of a collection do not change after Finish, which the counts that an index
// remembers rely on.
//
// Milvus holds 65,535 bytes in a field. Of a row whose JSON has more, the collection has a shorter copy: the
// longest of title, URL and attributes are cut or left out. The Parquet file has all of them.
package milvus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// metadataProperty is where the metadata is for servers that keep no description (Milvus Lite).
const metadataProperty = "kleid.metadata"

// productsProperty is how many products the rows have: Milvus cannot count them.
const productsProperty = "kleid.products"

// property is one of a collection. It implements entity.CollectionAttribute.
type property struct{ key, value string }

func (p property) KeyValue() (key, value string) { return p.key, p.value }
func (p property) Valid() error                  { return nil }

// store implements vectors.Store on a server.
type store struct {
	client  client.Client
	address address
	lite    bool
}

// Open connects to the store of a URL: milvus://[user:password@]host[:port]/alias, or milvuss:// for
// TLS. Parameters: token, database, and index=flat|hnsw, which by default depends on the number of
// rows. It waits until the server answers, 15 s if ctx has no deadline.
func Open(ctx context.Context, url string) (vectors.Store, error) {
	a, err := parseAddress(url)
	if err != nil {
		return nil, err
	}
	c, lite, err := connect(ctx, a, connectTimeout)
	if err != nil {
		return nil, err
	}
	return &store{c, a, lite}, nil
}

func (s *store) Close() error { return s.client.Close() }

// Name implements vectors.Named.
func (s *store) Name() string { return s.address.name() }

// resolve returns the collection that the alias points to; vectors.ErrNoIndex when there is none.
func (s *store) resolve(ctx context.Context) (*entity.Collection, catalog.Metadata, error) {
	collection, err := s.client.DescribeCollection(ctx, s.address.alias)
	if isNotFound(err) {
		return nil, catalog.Metadata{}, vectors.ErrNoIndex
	}
	if err != nil {
		return nil, catalog.Metadata{}, fmt.Errorf("resolving the alias %s: %w", s.address.alias, err)
	}
	if collection.Name == s.address.alias {
		return nil, catalog.Metadata{}, fmt.Errorf("%s is the name of a collection that Kleid did not make: choose another alias", s.address.alias)
	}
	meta, err := metadataOf(collection)
	return collection, meta, err
}

func metadataOf(collection *entity.Collection) (catalog.Metadata, error) {
	text := collection.Schema.Description
	if text == "" {
		text = collection.Properties[metadataProperty]
	}
	var meta catalog.Metadata
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return meta, fmt.Errorf("the collection %s was not made by Kleid: its description is not an index's (%w)", collection.Name, err)
	}
	if err := vectors.CheckMetadata(meta); err != nil {
		return meta, fmt.Errorf("the description of the collection %s: %w", collection.Name, err)
	}
	return meta, nil
}

// productsOf is how many products a collection has; -1 if it does not say so.
func productsOf(collection *entity.Collection) int {
	n, err := strconv.Atoi(collection.Properties[productsProperty])
	if err != nil || n < 0 {
		return -1
	}
	return n
}

func hasField(collection *entity.Collection, name string) bool {
	return slices.ContainsFunc(collection.Schema.Fields, func(f *entity.Field) bool { return f.Name == name })
}

func (s *store) CurrentRun(ctx context.Context) (string, error) {
	_, meta, err := s.resolve(ctx)
	if errors.Is(err, vectors.ErrNoIndex) {
		return "", nil
	}
	return meta.Run, err
}

func (s *store) Current(ctx context.Context) (vectors.Index, error) {
	collection, meta, err := s.resolve(ctx)
	if err != nil {
		return nil, err
	}
	return s.openIndex(ctx, collection, meta)
}

// Open implements vectors.Store.
func (s *store) Open(ctx context.Context, run string) (vectors.Index, error) {
	if err := vectors.CheckRun(run); err != nil {
		return nil, err
	}
	index, err := s.open(ctx, run)
	if isNotFound(err) {
		err = vectors.ErrNoIndex
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", run, err)
	}
	return index, nil
}

func (s *store) open(ctx context.Context, run string) (*index, error) {
	described, err := s.client.DescribeCollection(ctx, collectionOf(s.address.alias, run))
	if err != nil {
		return nil, err
	}
	meta, err := metadataOf(described)
	if err != nil {
		return nil, err
	}
	return s.openIndex(ctx, described, meta)
}

func (s *store) openIndex(ctx context.Context, described *entity.Collection, meta catalog.Metadata) (*index, error) {
	collection := described.Name
	x := &index{
		client: s.client, lite: s.lite, collection: collection, metadata: meta, kinds: make(map[vectors.Embedding]entity.IndexType),
		priced:   hasField(described, fieldPriced),
		products: productsOf(described), productsPage: productsPage, fewRows: fewRows, mostRows: mostRows,
	}
	for _, embedding := range []vectors.Embedding{vectors.Unsupervised, vectors.DeepRank} {
		indexes, err := s.client.DescribeIndex(ctx, collection, vectorField(embedding))
		if err != nil {
			return nil, fmt.Errorf("the collection %s: %w", collection, err)
		}
		if len(indexes) == 0 {
			return nil, fmt.Errorf("the collection %s has no index of %s: it was not finished", collection, vectorField(embedding))
		}
		x.kinds[embedding] = indexes[0].IndexType()
	}
	// A server that has been restarted may have it on the disk only.
	state, err := s.client.GetLoadState(ctx, collection, nil)
	if err == nil && state != entity.LoadStateLoaded {
		err = s.client.LoadCollection(ctx, collection, false)
	}
	if err != nil {
		return nil, fmt.Errorf("loading the collection %s: %w", collection, err)
	}
	return x, nil
}

func (s *store) Create(ctx context.Context, meta catalog.Metadata) (vectors.Writer, error) {
	if err := vectors.CheckMetadata(meta); err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	for _, facet := range meta.Facets {
		field := facetField(facet.Name)
		if other, ok := fields[field]; ok {
			return nil, fmt.Errorf("the facets %q and %q would be the same field %s in Milvus: rename one", other, facet.Name, field)
		}
		fields[field] = facet.Name
	}
	current, err := s.CurrentRun(ctx)
	if err != nil {
		return nil, err
	}
	if current == meta.Run {
		return nil, fmt.Errorf("run %s is the current index: a new index needs a new run id", meta.Run)
	}
	collection := collectionOf(s.address.alias, meta.Run)
	if err := s.dropCollection(ctx, collection); err != nil {
		return nil, err
	}
	description, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	// Bounded consistency is enough for readers: Finish loads the collection after all rows were flushed.
	err = s.client.CreateCollection(ctx, schemaOf(collection, string(description), meta), entity.DefaultShardNumber,
		client.WithConsistencyLevel(entity.ClBounded), client.WithCollectionProperty(metadataProperty, string(description)))
	if err != nil {
		return nil, fmt.Errorf("creating the collection %s: %w", collection, err)
	}
	// The client library may remember a collection of this name that another process has dropped meanwhile.
	if _, err := s.client.DescribeCollection(ctx, collection); err != nil {
		return nil, fmt.Errorf("creating the collection %s: %w", collection, err)
	}
	return newWriter(s, collection, meta), nil
}

func schemaOf(collection, description string, meta catalog.Metadata) *entity.Schema {
	text := func(name string) *entity.Field {
		return entity.NewField().WithName(name).WithDataType(entity.FieldTypeVarChar).WithMaxLength(maxText)
	}
	vector := func(name string, size int) *entity.Field {
		return entity.NewField().WithName(name).WithDataType(entity.FieldTypeFloatVector).WithDim(int64(size))
	}
	schema := entity.NewSchema().WithName(collection).WithDescription(description).
		WithField(text(fieldRowID).WithIsPrimaryKey(true)).
		WithField(text(fieldProductID)).
		WithField(text(fieldPhotoID)).
		WithField(text(fieldRow)).
		WithField(entity.NewField().WithName(fieldPriced).WithDataType(entity.FieldTypeBool)).
		WithField(entity.NewField().WithName(fieldPrice).WithDataType(entity.FieldTypeDouble)).
		WithField(text(fieldCurrency)).
		WithField(vector(fieldUnsupervised, meta.UnsupervisedSize)).
		WithField(vector(fieldDeepRank, meta.DeepRankSize))
	for _, facet := range meta.Facets {
		schema.WithField(text(facetField(facet.Name)))
	}
	return schema
}

func vectorField(embedding vectors.Embedding) string {
	if embedding == vectors.DeepRank {
		return fieldDeepRank
	}
	return fieldUnsupervised
}

func (s *store) dropCollection(ctx context.Context, collection string) error {
	has, err := s.client.HasCollection(ctx, collection)
	if err == nil && has {
		err = s.client.DropCollection(ctx, collection)
	}
	if err != nil {
		return fmt.Errorf("dropping the collection %s: %w", collection, err)
	}
	return nil
}

func (s *store) Publish(ctx context.Context, run string) error {
	if err := vectors.CheckRun(run); err != nil {
		return err
	}
	if err := s.publish(ctx, run); err != nil {
		return fmt.Errorf("run %s cannot be published: %w", run, err)
	}
	return nil
}

func (s *store) publish(ctx context.Context, run string) error {
	// The indexes are made last: with them there, all rows are.
	index, err := s.open(ctx, run)
	if err != nil {
		return err
	}
	collection := index.collection
	switch _, _, err := s.resolve(ctx); {
	case errors.Is(err, vectors.ErrNoIndex):
		err = s.client.CreateAlias(ctx, collection, s.address.alias)
		if err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := s.client.AlterAlias(ctx, collection, s.address.alias); err != nil {
			return err
		}
	}
	now, _, err := s.resolve(ctx)
	if err == nil && now.Name != collection {
		err = fmt.Errorf("the alias %s points to %s: another run was published at the same time", s.address.alias, now.Name)
	}
	return err
}

func (s *store) Drop(ctx context.Context, run string) error {
	if err := vectors.CheckDrop(ctx, s, run); err != nil {
		return err
	}
	return s.dropCollection(ctx, collectionOf(s.address.alias, run))
}
