// Package registry keeps versions of models in a folder or S3: each with a manifest that says what it was made
// of and how good it is, and one of them promoted, which is what those who name no version get.
//
//	versions/<version>/model.safetensors
//	versions/<version>/manifest.json
//	promoted                              the version, and the ones promoted before it, one a line
package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// What can be wrong, for errors.Is.
var (
	ErrNoVersion = errors.New("no such version")
	// ErrSeveralVersions is of first digits that are those of several versions.
	ErrSeveralVersions = errors.New("several versions begin with")
	ErrDamaged         = errors.New("damaged")    // the bytes are not those that were pushed
	ErrWorse           = errors.New("worse than") // another, and so not promoted
	// ErrNotMeasured is of a version that lacks figures of another, and so is not promoted.
	ErrNotMeasured = errors.New("not measured as")
	// ErrOtherPhotos is of a version whose figures are of other photos than another's, and so is not promoted.
	ErrOtherPhotos = errors.New("not measured on the same photos as")
)

const (
	weightsName  = "model.safetensors"
	manifestName = "manifest.json"
	promotedKey  = "promoted"
	// versionLength is the length of a version: so many hexadecimal digits of the file's SHA-256.
	versionLength = 16
	// modelLimit and textLimit are the most that is read of a model, and of a manifest.
	modelLimit = 4 << 30
	textLimit  = 1 << 20
	// modelPatience and textPatience are the longest that reading either may take: an answer may stall in the middle.
	modelPatience = 30 * time.Minute
	textPatience  = time.Minute
	// readAttempts are how often S3 is asked for either within that time, and wholeAttempts how often a model is read whose
	// bytes are not those that were pushed.
	readAttempts, wholeAttempts = 4, 2
)

// Registry is a place with versions of models. It is safe for concurrent use; of two who promote at once, the last
// one wins, and of two who push one version at once, what the first one says of it may be lost.
type Registry struct {
	bucket                      storage.Bucket
	cache                       string
	modelPatience, textPatience time.Duration
	retry                       storage.Retry
}

// Open returns the registry at a folder or s3:// URL. What is pulled is kept in the folder cache.
func Open(ctx context.Context, location, cache string) (*Registry, error) {
	bucket, err := storage.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	return &Registry{bucket, cache, modelPatience, textPatience, storage.Retry{Attempts: readAttempts}}, nil
}

// DefaultCache is the folder for pulled models in the user's cache.
func DefaultCache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep models in: %w", err)
	}
	return filepath.Join(dir, "kleid", "models"), nil
}

func (r *Registry) String() string { return r.bucket.String() }

// read reads a blob of at most limit bytes within a time, in which it asks again where S3 fails for a while.
func (r *Registry) read(ctx context.Context, key string, limit int64, patience time.Duration) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	data, err := r.retry.ReadAll(limited, r.bucket, key, limit)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s: not read in %v: %w", r, patience, err)
	}
	return data, err
}

func key(version, name string) string { return path.Join("versions", version, name) }

// Push stores a model's file with what is known of it, and returns its manifest. The version follows from the
// file: pushing it again adds what is said of it to what was said before. Of parts that are the parent's, to the bit, it
// has the parent's figures, unless it was measured itself.
func (r *Registry) Push(ctx context.Context, file []byte, about About) (Manifest, error) {
	model, err := models.Decode(file)
	if err != nil {
		return Manifest{}, err
	}
	if about.Parent != "" {
		parent, err := r.Manifest(ctx, about.Parent)
		if err != nil {
			return Manifest{}, fmt.Errorf("parent: %w", err)
		}
		about.Parent = parent.Version
	}
	noted, err := r.noted(ctx, model.Config.Notes)
	if err != nil {
		return Manifest{}, err
	}
	m := describe(file, model, about, time.Now())
	switch old, err := r.manifest(ctx, m.Version); {
	case err == nil:
		m.Created, m.About = old.Created, m.About.or(old.About)
		for figure := range about.Metrics { // which is measured itself now
			delete(old.Inherited, figure)
		}
		m.Inherited = union(old.Inherited, nil)
	case !isBad(err):
		return Manifest{}, err
	}
	m.About = m.About.or(noted)
	if m.Parent != "" {
		switch parent, err := r.withParts(ctx, m.Parent); {
		case err == nil:
			m.inherit(parent)
		case !isBad(err):
			return Manifest{}, err
		}
	}
	text, err := m.text()
	if err != nil {
		return Manifest{}, err
	}
	if err := r.bucket.Put(ctx, key(m.Version, weightsName), bytes.NewReader(file)); err != nil {
		return Manifest{}, err
	}
	// The manifest last: a version without one is not listed.
	return m, r.bucket.Put(ctx, key(m.Version, manifestName), bytes.NewReader(text))
}

// noted is what a model's file says of itself. A parent that is not in the registry stays in the notes alone.
func (r *Registry) noted(ctx context.Context, notes map[string]string) (About, error) {
	about := About{Dataset: notes[models.NoteDataset], Code: notes[models.NoteCode]}
	if parent := notes[models.NoteParent]; len(parent) >= versionLength && checkVersion(parent[:versionLength]) == nil {
		switch _, err := r.manifest(ctx, parent[:versionLength]); {
		case err == nil:
			about.Parent = parent[:versionLength]
		case !isBad(err):
			return About{}, err
		}
	}
	return about, nil
}

// isBad is whether an error says that a version has no manifest that can be read, not that the registry is away.
func isBad(err error) bool {
	return errors.Is(err, ErrNoVersion) || errors.Is(err, ErrDamaged) || errors.Is(err, storage.ErrTooLarge)
}

// List returns all manifests, the newest first. Versions whose manifests cannot be read are not among them; they are
// the error, beside the list of the others, which may be empty. Where there is no list at all, nil, the error is why.
func (r *Registry) List(ctx context.Context) ([]Manifest, error) {
	list := []Manifest{}
	var bad []error
	for info, err := range r.bucket.List(ctx, "versions/") {
		if err != nil && info.Key == "" {
			return nil, err
		}
		if path.Base(info.Key) != manifestName {
			continue
		}
		if err != nil { // of this blob alone
			bad = append(bad, err)
			continue
		}
		m, err := r.manifest(ctx, path.Base(path.Dir(info.Key)))
		if isBad(err) {
			bad = append(bad, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b Manifest) int { return b.Created.Compare(a.Created) })
	return list, errors.Join(bad...)
}

// Manifest returns what is known of a version, given in full, by its first digits, or as "" for the promoted one.
func (r *Registry) Manifest(ctx context.Context, version string) (Manifest, error) {
	full, err := r.Resolve(ctx, version)
	if err != nil {
		return Manifest{}, err
	}
	m, err := r.manifest(ctx, full)
	if version == "" && isBad(err) {
		return m, fmt.Errorf("the promoted version cannot be read: %w; kleid models promote --force promotes another one", err)
	}
	return m, err
}

// manifest reads that of a version. Others may write to the registry, so that neither a version that it names nor a manifest
// need be one.
func (r *Registry) manifest(ctx context.Context, version string) (Manifest, error) {
	if len(version) != versionLength || checkVersion(version) != nil {
		return Manifest{}, fmt.Errorf("%s: %.99q is no version, which has %d hexadecimal digits: %w", r, version, versionLength, ErrNoVersion)
	}
	text, err := r.read(ctx, key(version, manifestName), textLimit, r.textPatience)
	if errors.Is(err, storage.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%s: version %q: %w", r, version, ErrNoVersion)
	}
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Manifest{}, fmt.Errorf("%s: the manifest of %s: %w: %w; push the version again", r, version, ErrDamaged, err)
	}
	if sum, err := hex.DecodeString(m.SHA256); err != nil || len(sum) != sha256.Size || m.Version != version || !strings.HasPrefix(m.SHA256, version) {
		return Manifest{}, fmt.Errorf("%s: the manifest of %s is another version's: %w", r, version, ErrDamaged)
	}
	return m, nil
}

// withParts is a version's manifest with Parts, which are read from its file where an earlier Kleid wrote the manifest.
func (r *Registry) withParts(ctx context.Context, version string) (Manifest, error) {
	m, err := r.manifest(ctx, version)
	if err != nil || m.Parts != nil {
		return m, err
	}
	file, err := r.weights(ctx, m)
	switch {
	case isBad(err), errors.Is(err, storage.ErrNotExist): // nothing is known to be the same
		return m, nil
	case err != nil:
		return m, err
	}
	if model, err := models.Decode(file); err == nil {
		m.Parts = model.Parts()
	}
	return m, nil
}

// Resolve finds the version that begins with the given digits; "" is the promoted one.
func (r *Registry) Resolve(ctx context.Context, version string) (string, error) {
	if version == "" {
		promoted, err := r.Promoted(ctx)
		if err != nil {
			return "", err
		}
		if len(promoted) == 0 {
			return "", fmt.Errorf("%s: no version is promoted yet: %w: name one, or run `kleid models promote`", r, ErrNoVersion)
		}
		return promoted[0], nil
	}
	if err := checkVersion(version); err != nil {
		return "", err
	}
	if len(version) == versionLength {
		return version, nil
	}
	found := ""
	for info, err := range r.bucket.List(ctx, "versions/"+version) {
		if err != nil {
			return "", err
		}
		if path.Base(info.Key) != manifestName {
			continue
		}
		one := path.Base(path.Dir(info.Key))
		if found != "" && one != found {
			return "", fmt.Errorf("%s: %w %q, %s and %s among them: give more digits", r, ErrSeveralVersions, version, found, one)
		}
		found = one
	}
	if found == "" {
		return "", fmt.Errorf("%s: version %q: %w", r, version, ErrNoVersion)
	}
	return found, nil
}

func checkVersion(version string) error {
	if strings.Trim(version, "0123456789abcdef") != "" || len(version) > versionLength {
		return fmt.Errorf("%q is no version: it takes up to %d hexadecimal digits: %w", version, versionLength, ErrNoVersion)
	}
	return nil
}

// Pull returns the path of a version's file in the cache, which is filled at the first call; for a version that is
// given in full and is there, nobody is asked. ErrDamaged if the bytes are not those that were pushed.
func (r *Registry) Pull(ctx context.Context, version string) (string, error) {
	if local, ok := r.cached(version); ok {
		return local, nil
	}
	m, err := r.Manifest(ctx, version)
	if err != nil {
		return "", err
	}
	if local, ok := r.cached(m.Version); ok {
		return local, nil
	}
	local := filepath.Join(r.cache, m.SHA256+".safetensors")
	data, err := r.weights(ctx, m)
	if err != nil {
		return "", err
	}
	cache, err := storage.Open(ctx, r.cache)
	if err != nil {
		return "", err
	}
	if err := cache.Put(ctx, filepath.Base(local), bytes.NewReader(data)); err != nil {
		err = fmt.Errorf("models are kept in %s, below XDG_CACHE_HOME where that is set: %w", r.cache, err)
		return "", err
	}
	return local, nil
}

// weights reads a version's file from the registry.
func (r *Registry) weights(ctx context.Context, m Manifest) ([]byte, error) {
	var got string
	for range wholeAttempts {
		data, err := r.read(ctx, key(m.Version, weightsName), modelLimit, r.modelPatience)
		if err != nil {
			return nil, fmt.Errorf("%s: version %s: %w", r, m.Version, err)
		}
		if got = hash(data); got == m.SHA256 {
			return data, nil
		}
	}
	return nil, fmt.Errorf("%s: version %s is %w: its SHA-256 is %s, the manifest says %s; push it again", r, m.Version, ErrDamaged, got, m.SHA256)
}

// cached finds a version, given in full, in the cache.
func (r *Registry) cached(version string) (string, bool) {
	if len(version) != versionLength || checkVersion(version) != nil {
		return "", false
	}
	files, err := os.ReadDir(r.cache)
	if err != nil {
		return "", false
	}
	for _, file := range files {
		local := filepath.Join(r.cache, file.Name())
		if !strings.HasPrefix(file.Name(), version) {
			continue
		}
		if data, err := os.ReadFile(local); err == nil && hash(data)+".safetensors" == filepath.Base(local) {
			return local, true
		}
	}
	return "", false
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
