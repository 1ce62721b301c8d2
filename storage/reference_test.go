package storage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckReference(t *testing.T) {
	for _, c := range []struct {
		document, reference string
		allowed             bool
	}{
		{"/shop/feed.csv", "/anywhere/1.jpg", true},
		{"feed.csv", "s3://other/1.jpg", true},
		{"file:///shop/feed.csv", "file:///anywhere/1.jpg", true},
		{"https://shop.example/feed.csv", "https://shop.example/photos/1.jpg", true},
		{"https://shop.example/feed.csv", "HTTPS://cdn.example/1.jpg", true},
		{"https://shop.example/feed.csv", "http://shop.example/1.jpg", false},
		{"https://shop.example/feed.csv", "file:///etc/passwd", false},
		{"https://shop.example/feed.csv", "FILE:///etc/passwd", false},
		{"https://shop.example/feed.csv", "/etc/passwd", false},
		{"https://shop.example/feed.csv", `C:\secret.jpg`, false},
		{"https://shop.example/feed.csv", "no_scheme://../../etc/passwd", false}, // to a Fetcher that is a path
		{"https://shop.example/feed.csv", "s3://shop.example/1.jpg", false},
		{"s3://shop/feed.csv", "s3://shop/photos/1.jpg", true},
		{"S3://shop/feed.csv", "s3://shop/photos/1.jpg", true},
		{"s3://shop/feed.csv", "https://cdn.example/1.jpg", true},
		{"s3://shop/feed.csv", "s3://shop-2/photos/1.jpg", false},
		{"s3://shop/feed.csv", "s3://other/photos/1.jpg", false},
		{"s3://shop/feed.csv", "file:///etc/passwd", false},
		{"s3://shop/feed.csv", "photos/1.jpg", false}, // not resolved: a path on this machine
	} {
		err := CheckReference(c.document, c.reference)
		if c.allowed {
			require.NoError(t, err, c)
		} else {
			require.ErrorIs(t, err, ErrForbidden, c)
		}
	}
}
