package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

// TestSecretsStayOutOfMessages gives addresses with a password, a signature or a hook's secret path to what fails.
func TestSecretsStayOutOfMessages(t *testing.T) {
	photo := write(t, t.TempDir()+"/photo.jpg", greyPhoto(t))
	index := []string{"index", "--out", t.TempDir(), "--catalogue"}
	for name, args := range map[string][]string{
		"model":                {"embed", photo, "--models", "https://user:hunter2@localhost:1/m.safetensors?X-Amz-Signature=hunter2"},
		"catalogue":            append(index, "https://user:hunter2@localhost:1/c.csv?X-Amz-Signature=hunter2"),
		"catalogue of no kind": append(index, "ftp://user:hunter2@localhost:1/c"),
		"photo":                {"search", "https://user:hunter2@localhost:1/a.jpg?X-Amz-Signature=hunter2", "--index", newShop(t).index},
		"store":                append(index, "photos", "--store", "milvs://root:hunter2@host/dresses"),
		"store without //":     append(index, "photos", "--store", "milvus:root:hunter2@host/dresses"),
		"store with a / in it": append(index, "photos", "--store", "milvs://root:hunter2/@host/dresses"),
		"hook without scheme":  append(index, "photos", "--notify", "hooks.example/services/hunter2"),
		"dataset":              {"train", "facets", "--dataset", "ftp://user:hunter2@localhost:1/c", "--facets", "neckline", "--work", t.TempDir()},
	} {
		r := kleid(t, args...)
		require.NotEqual(t, exit.Done, r.code, name)
		require.NotEmpty(t, r.stderr, name)
		require.NotContains(t, r.stderr, "hunter2", name)
	}
}
