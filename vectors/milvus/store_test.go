package milvus

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
	"github.com/kleid-search/kleid/vectors/vectorstest"
)

// TestMilvus runs on one server, since starting one takes seconds. Each test has an alias of its own.
func TestMilvus(t *testing.T) {
	server := milvustest.StartIn(t, t.TempDir())
	t.Run("conformance", func(t *testing.T) {
		places := 0
		vectorstest.Run(t, func(t *testing.T) func() vectors.Store {
			places++
			url := milvustest.URL(server.Address, fmt.Sprintf("dresses_%d", places))
			return func() vectors.Store { return open(t, url) }
		}, 1e-3)
	})
	t.Run("HNSW conformance", func(t *testing.T) {
		places := 0
		vectorstest.RunApproximate(t, func(t *testing.T) func() vectors.Store {
			places++
			url := milvustest.URL(server.Address, fmt.Sprintf("graphs_%d", places)) + "?index=hnsw"
			return func() vectors.Store { return open(t, url) }
		}, 1e-3)
	})
	t.Run("dropped under a reader", func(t *testing.T) { testDroppedUnderReader(t, server) })
	t.Run("aliases apart", func(t *testing.T) { testAliasesApart(t, server) })
	t.Run("foreign collections", func(t *testing.T) { testForeignCollections(t, server) })
	t.Run("colliding facets", func(t *testing.T) { testCollidingFacets(t, server) })
	t.Run("failures that the client library overlooks", func(t *testing.T) { testReportedFailures(t, server) })
	t.Run("lost reply", func(t *testing.T) { testLostReply(t, server) })
	t.Run("replies that make no sense", func(t *testing.T) { testNonsense(t, server) })
	t.Run("flush", func(t *testing.T) { testFlush(t, server) })
	t.Run("abort again", func(t *testing.T) { testAbortAgain(t, server) })
	t.Run("no version", func(t *testing.T) { testNoVersion(t, server) })
	t.Run("wrong TLS", func(t *testing.T) { testWrongTLS(t, server) })
	t.Run("wide texts", func(t *testing.T) { testWideTexts(t, server) })
	t.Run("long texts", func(t *testing.T) { testLongTexts(t, server) })
	t.Run("asked for too many", func(t *testing.T) { testTooMany(t, server) })
	t.Run("collection without prices", func(t *testing.T) { testCollectionWithoutPrices(t, server) })
	t.Run("counted once", func(t *testing.T) { testCountsOnce(t, server) })
	t.Run("counts of products", func(t *testing.T) { testProductCounts(t, server) })
	t.Run("HNSW", func(t *testing.T) { testHNSW(t, server) })
	t.Run("wide HNSW", func(t *testing.T) { testWideHNSW(t, server) })
	t.Run("rows that a graph missed", func(t *testing.T) { testMissedRows(t, server) })
	t.Run("rows that a graph never finds", func(t *testing.T) { testLostRows(t, server) })
	t.Run("restarted server", func(t *testing.T) { testRestart(t, server) })
}

func open(t *testing.T, url string) *store {
	s, err := Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() }) // for tests that do not; closing twice is harmless
	return s.(*store)
}

func testMetadata(run string) catalog.Metadata {
	return catalog.Metadata{
		Run: run, UnsupervisedSize: 3, DeepRankSize: 2, CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Facets: []catalog.Facet{{Name: "sleeve", Labels: []string{"long", "short"}}},
	}
}

func testRows(n int) []catalog.Row {
	rows := make([]catalog.Row, n)
	for i := range rows {
		rows[i] = catalog.Row{
			RowID: fmt.Sprintf("row-%d", i), ProductID: fmt.Sprintf("product-%d", i), Status: catalog.StatusOK,
			EmbeddingUnsupervised: make([]float32, 3), EmbeddingDeepRank: []float32{0.6, 0.8},
			Facets: map[string]catalog.FacetValue{"sleeve": {Label: "long", Probability: 0.5}},
		}
		rows[i].EmbeddingUnsupervised[i%3] = 1
	}
	return rows
}

func publish(t *testing.T, s *store, run string, rows int) vectors.Index {
	w, err := s.Create(t.Context(), testMetadata(run))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), testRows(rows)))
	require.NoError(t, w.Finish(t.Context()))
	require.NoError(t, s.Publish(t.Context(), run))
	index, err := s.Current(t.Context())
	require.NoError(t, err)
	return index
}

var everything = vectors.Query{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 100}

func testDroppedUnderReader(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "dropped"))
	old := publish(t, s, "r-1", 4)
	publish(t, s, "r-2", 4)
	require.NoError(t, s.Drop(t.Context(), "r-1"))
	_, err := old.Get(t.Context(), "row-1")
	require.ErrorContains(t, err, "run r-1 has been dropped")
	_, err = old.Search(t.Context(), everything)
	require.ErrorContains(t, err, "run r-1 has been dropped")
}

// The names of two shops' aliases and runs may join to the same text.
func testAliasesApart(t *testing.T, server *milvustest.Server) {
	one, other := open(t, milvustest.URL(server.Address, "shop")), open(t, milvustest.URL(server.Address, "shop_a"))
	index := publish(t, one, "a_b", 4)
	publish(t, other, "c", 2)
	require.NoError(t, other.Drop(t.Context(), "b"))
	w, err := other.Create(t.Context(), testMetadata("b"))
	require.NoError(t, err)
	require.NoError(t, w.Finish(t.Context()))
	n, err := index.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, n)
	result, err := index.Search(t.Context(), everything)
	require.NoError(t, err)
	require.Len(t, result.Matches, 4)
}

// makeForeign makes a collection as another program would.
func makeForeign(t *testing.T, s *store, name string) {
	schema := entity.NewSchema().WithName(name).WithDescription("mine").
		WithField(entity.NewField().WithName("id").WithDataType(entity.FieldTypeInt64).WithIsPrimaryKey(true)).
		WithField(entity.NewField().WithName("v").WithDataType(entity.FieldTypeFloatVector).WithDim(4))
	require.NoError(t, s.client.CreateCollection(t.Context(), schema, 1))
}

func testForeignCollections(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "foreign"))
	makeForeign(t, s, "foreign")
	for _, err := range []error{
		func() error { _, err := s.Current(t.Context()); return err }(),
		func() error { _, err := s.CurrentRun(t.Context()); return err }(),
		func() error { _, err := s.Create(t.Context(), testMetadata("r-1")); return err }(),
	} {
		require.ErrorContains(t, err, "Kleid did not make")
	}
	s = open(t, milvustest.URL(server.Address, "aliased"))
	makeForeign(t, s, "theirs")
	require.NoError(t, s.client.CreateAlias(t.Context(), "theirs", "aliased"))
	_, err := s.Current(t.Context())
	require.ErrorContains(t, err, "was not made by Kleid")
}

func testCollidingFacets(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "colliding"))
	meta := testMetadata("r-1")
	meta.Facets = []catalog.Facet{{Name: "a b", Labels: []string{"x"}}, {Name: facetField("a b")[len("facet_"):], Labels: []string{"x"}}}
	_, err := s.Create(t.Context(), meta)
	require.ErrorContains(t, err, "rename one")
}

func testReportedFailures(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "failing"))
	opened := publish(t, s, "r-1", 3)
	collection := opened.(*index).collection
	var reported *serverError
	for name, call := range map[string]func(ctx context.Context) error{
		"wrong dimension": func(ctx context.Context) error {
			ids := entity.NewColumnVarChar(fieldRowID, []string{"x"})
			_, err := s.client.Insert(ctx, collection, "", ids, entity.NewColumnFloatVector(fieldUnsupervised, 2, [][]float32{{1, 0}}))
			return err
		},
		"unknown collection": func(ctx context.Context) error {
			_, err := countRows(ctx, s.client, "nowhere", "")
			return err
		},
		"no expression": func(ctx context.Context) error {
			_, err := countRows(ctx, s.client, collection, `row_id in ["`)
			return err
		},
	} {
		require.Error(t, call(t.Context()), name)
	}
	_, err := s.client.DescribeCollection(t.Context(), "nowhere")
	require.ErrorAs(t, err, &reported)
	require.True(t, isNotFound(err))
	n, err := opened.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func testLongTexts(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "long"))
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	rows := testRows(1)
	rows[0].ProductID = strings.Repeat("x", maxText+1)
	require.ErrorContains(t, w.Add(t.Context(), rows), "Milvus holds 65535")
	rows = testRows(2)
	rows[1].Title, rows[1].Attributes = "short", map[string]string{"text": strings.Repeat("ü", maxText), "colour": "red"}
	require.NoError(t, w.Add(t.Context(), rows[1:]))
	rows = rows[:1]
	rows[0].Attributes = map[string]string{"text": strings.Repeat("ü", 32000)}
	require.NoError(t, w.Add(t.Context(), rows))
	require.NoError(t, w.Finish(t.Context()))
	require.NoError(t, s.Publish(t.Context(), "r-1"))
	index, err := s.Current(t.Context())
	require.NoError(t, err)
	got, err := index.Get(t.Context(), "row-0")
	require.NoError(t, err)
	require.Equal(t, rows, got)
	got, err = index.Get(t.Context(), "row-1")
	require.NoError(t, err)
	require.Equal(t, "short", got[0].Title)
	require.Equal(t, "red", got[0].Attributes["colour"])
	require.Regexp(t, "^ü+…$", got[0].Attributes["text"])
	require.Greater(t, len(got[0].Attributes["text"]), 64_000)
}

// A page beyond what Milvus gives is refused, not cut.
func testTooMany(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "many"))
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), testRows(maxHits+1)))
	require.NoError(t, w.Finish(t.Context()))
	index, err := s.Open(t.Context(), "r-1")
	require.NoError(t, err)
	q := everything
	q.K = maxHits
	result, err := index.Search(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, result.Matches, maxHits)
	require.Equal(t, maxHits+1, result.TotalMatches)
	q.K = 3
	result, err = index.Search(t.Context(), q)
	require.NoError(t, err)
	require.True(t, result.Exact)
	q.K = maxHits
	// All rows are equally near, and the server chooses which of them it returns.
	for _, perProduct := range []bool{false, true} {
		same := vectors.Query{Vector: []float32{1, 0}, Embedding: vectors.DeepRank, K: 3, OnePerProduct: perProduct}
		result, err := index.Search(t.Context(), same)
		require.NoError(t, err)
		require.Len(t, result.Matches, 3)
		require.False(t, result.Exact)
	}
	q.Offset = 1
	_, err = index.Search(t.Context(), q)
	var refused *vectors.QueryError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "filter more")
}

// An index that is no exhaustive scan says so.
func testHNSW(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "graph")+"?index=hnsw")
	index := publish(t, s, "r-1", 30)
	result, err := index.Search(t.Context(), vectors.Query{Vector: []float32{0, 1, 0}, Embedding: vectors.Unsupervised, K: 3, Where: vectors.Filter{"sleeve": {"long"}}})
	require.NoError(t, err)
	require.False(t, result.Exact)
	require.Len(t, result.Matches, 3)
	for _, match := range result.Matches {
		require.InDelta(t, 1, match.Similarity, 1e-3)
	}
}

// Where it would cost much to look at all rows that pass, a graph is searched more widely first.
func testWideHNSW(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "wide")+"?index=hnsw")
	rows := testRows(4000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range rows {
		v := []float32{1, float32(random.NormFloat64() * 0.1), float32(random.NormFloat64() * 0.1)}
		if i%100 == 0 {
			v[0], v[1] = v[1], v[0]
			rows[i].Facets = map[string]catalog.FacetValue{"sleeve": {Label: "short", Probability: 0.5}}
		}
		rows[i].EmbeddingUnsupervised = vectors.Unit(v)
	}
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), rows))
	require.NoError(t, w.Finish(t.Context()))
	opened, err := s.Open(t.Context(), "r-1")
	require.NoError(t, err)
	x := opened.(*index)
	for _, few := range []int{0, fewRows} {
		x.fewRows = few
		for _, perProduct := range []bool{false, true} {
			q := vectors.Query{Vector: rows[1].EmbeddingUnsupervised, Embedding: vectors.Unsupervised, K: 25, OnePerProduct: perProduct, Where: vectors.Filter{"sleeve": {"short"}}}
			result, err := x.Search(t.Context(), q)
			require.NoError(t, err)
			require.Len(t, result.Matches, q.K)
			require.Equal(t, 40, result.TotalMatches)
			require.True(t, result.Exact || few == 0)
			requireOrder(t, result.Matches)
		}
	}
}

// A graph misses the nearest rows in its first, narrow search, and finds them in the second, wider one.
func testMissedRows(t *testing.T, server *milvustest.Server) {
	var searches atomic.Int64
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		if call.Method != "Search" || searches.Add(1) > 1 {
			return nil
		}
		return answerPart(call, 15, 45)
	})
	s := open(t, milvustest.URL(address, "missed")+"?index=hnsw")
	rows := testRows(300)
	for i := range rows {
		rows[i].ProductID = fmt.Sprintf("product-%d", i/10)
		rows[i].EmbeddingUnsupervised = vectors.Unit([]float32{1, float32(i) * 0.01, 0})
	}
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), rows))
	require.NoError(t, w.Finish(t.Context()))
	opened, err := s.Open(t.Context(), "r-1")
	require.NoError(t, err)
	x := opened.(*index)
	x.fewRows = 0 // as where very many rows pass
	for _, perProduct := range []bool{false, true} {
		searches.Store(0)
		q := vectors.Query{Vector: []float32{1, 0, 0}, Embedding: vectors.Unsupervised, K: 25, OnePerProduct: perProduct}
		if !perProduct {
			q.K = 40
		}
		result, err := x.Search(t.Context(), q)
		require.NoError(t, err)
		require.Greater(t, searches.Load(), int64(1))
		require.Len(t, result.Matches, q.K)
		require.Equal(t, "row-0", result.Matches[0].Row.RowID)
		requireOrder(t, result.Matches)
	}
}

// Where very many rows pass and a graph finds few of them, the answer is shorter: not all vectors are fetched.
func testLostRows(t *testing.T, server *milvustest.Server) {
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		var request milvuspb.QueryRequest
		if call.Method == "Search" {
			return answerPart(call, 0, 20)
		}
		if call.Method == "Query" && call.Request(&request) == nil && slices.Contains(request.GetOutputFields(), fieldUnsupervised) {
			return status.Error(codes.Internal, "vectors are fetched")
		}
		return nil
	})
	x := publish(t, open(t, milvustest.URL(address, "lost_rows")+"?index=hnsw"), "r-1", 60).(*index)
	x.fewRows = 0
	for _, perProduct := range []bool{false, true} {
		q := vectors.Query{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 25, OnePerProduct: perProduct}
		x.mostRows = 59
		result, err := x.Search(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, result.Matches, 20)
		require.Equal(t, 60, result.TotalMatches)
		require.False(t, result.Exact)
		requireOrder(t, result.Matches)
		q.Offset = 20
		result, err = x.Search(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, result.Matches)
		x.mostRows = 60
		_, err = x.Search(t.Context(), q)
		require.ErrorContains(t, err, "vectors are fetched")
	}
}

// answerPart leaves only a part of a search's hits.
func answerPart(call *milvustest.Call, from, to int) error {
	var reply milvuspb.SearchResults
	if err := call.Reply(&reply); err != nil {
		return err
	}
	results := reply.GetResults()
	results.Scores, results.Topks, results.TopK = results.Scores[from:to], []int64{int64(to - from)}, int64(to-from)
	ids := results.GetIds().GetStrId()
	ids.Data = ids.Data[from:to]
	for _, field := range results.FieldsData {
		texts := field.GetScalars().GetStringData()
		texts.Data = texts.Data[from:to]
	}
	return call.Answer(&reply)
}

func requireOrder(t *testing.T, matches []vectors.Match) {
	require.True(t, slices.IsSortedFunc(matches, func(a, b vectors.Match) int { return cmp.Compare(b.Similarity, a.Similarity) }))
}

// What was published is there after a server died, and readers that were open go on.
func testRestart(t *testing.T, server *milvustest.Server) {
	s := open(t, milvustest.URL(server.Address, "restarted"))
	index := publish(t, s, "r-1", 5)
	server.Restart()
	s = open(t, milvustest.URL(server.Address, "restarted"))
	run, err := s.CurrentRun(t.Context())
	require.NoError(t, err)
	require.Equal(t, "r-1", run)
	again, err := s.Current(t.Context())
	require.NoError(t, err)
	for _, x := range []vectors.Index{again, index} {
		result, err := x.Search(t.Context(), everything)
		require.NoError(t, err)
		require.Len(t, result.Matches, 5)
	}
}

func TestNoServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, "milvus://user:secret@127.0.0.1:1/dresses")
	require.ErrorContains(t, err, "Milvus at 127.0.0.1:1 does not answer")
	require.NotContains(t, err.Error(), "secret")
}
