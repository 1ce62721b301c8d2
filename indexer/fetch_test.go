package indexer

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// A manifest on the shop's own network has its photos there: they are asked for, and none at another place there.
func TestPhotosBesideAPrivateManifest(t *testing.T) {
	beside, other := httptest.NewUnstartedServer(http.NotFoundHandler()), httptest.NewUnstartedServer(http.NotFoundHandler())
	for _, server := range []*httptest.Server{beside, other} {
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		defer server.Close()
	}
	fetcher := photoFetcher(beside.URL+"/catalogue.csv", photo.DefaultLimits())
	defer fetcher.Close()
	_, err := fetcher.Fetch(t.Context(), beside.URL+"/1.jpg")
	var certificate *tls.CertificateVerificationError
	require.ErrorAs(t, err, &certificate, "the server answers")
	_, err = fetcher.Fetch(t.Context(), other.URL+"/1.jpg")
	require.ErrorIs(t, err, storage.ErrForbidden)
}
