package storage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithoutSecrets(t *testing.T) {
	for source, want := range map[string]string{
		"photos/a?b@c.jpg":                               "photos/a?b@c.jpg",
		`C:\photos\a.jpg`:                                `C:\photos\a.jpg`,
		"":                                               "",
		"s3://shop/photos/a.jpg":                         "s3://shop/photos/a.jpg",
		"file:///photos/a@b.jpg":                         "file:///photos/a@b.jpg",
		"https://shop.example":                           "https://shop.example",
		"https://shop.example?key=1":                     "https://shop.example",
		"https://u:p@shop.example/a@b.jpg":               "https://shop.example/a@b.jpg",
		"https://u:p@q@shop.example:8/a#b":               "https://shop.example:8/a#b",
		"https://u:%zz@shop.example/a.jpg":               "https://shop.example/a.jpg",
		"https://a.example/a.jpg?b=c?d#e":                "https://a.example/a.jpg",
		"https://cdn.example/a.jpg?X-Amz-Signature=1/2#": "https://cdn.example/a.jpg",
		"https://[::1]:8080/50%off.jpg":                  "https://[::1]:8080/50%off.jpg",
		"milvs://root:hunter2@host:19530/dresses":        "milvs://host:19530/dresses",
		"milvus://root:hunter2/?#@host/dresses":          "milvus://…",
		"https://kleid:4711/secret@db.example/x":         "https://…",
		"https://kleid:12?34@h/x":                        "https://…",
		"https://kleid:#secret@h/x":                      "https://…",
		"https://shop.example:8080/a.jpg":                "https://shop.example:8080/a.jpg",
	} {
		require.Equal(t, want, WithoutSecrets(source))
	}
}
