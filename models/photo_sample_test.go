package models

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func photoIDs(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i))))
	}
	return ids
}

func TestPhotoSample(t *testing.T) {
	share := func(s PhotoSample, ids []string) float64 {
		share, ok := s.Share(ids)
		require.True(t, ok)
		return share
	}
	few := PhotoSample("").With(photoIDs(0, 100))
	require.Equal(t, 0.25, share(few, photoIDs(75, 175)), "of a small set it is exact")
	require.Zero(t, share(few, photoIDs(100, 110)))
	require.Equal(t, few, few.With(photoIDs(20, 40)))
	many := few.With(photoIDs(100, 20000))
	require.Len(t, many, 256*8)
	require.Equal(t, PhotoSample("").With(photoIDs(0, 20000)), many, "whatever came first")
	require.InDelta(t, 0.5, share(many, photoIDs(15000, 25000)), 0.1)
	require.Zero(t, share(many, photoIDs(20000, 30000)))
	for _, s := range []PhotoSample{"", many} {
		_, ok := s.Share(nil)
		require.False(t, ok)
	}
	_, ok := PhotoSample("").Share(photoIDs(0, 3))
	require.False(t, ok, "a model of before does not say")
	_, ok = many.Share([]string{"ffffffff"})
	require.False(t, ok, "no photo is in the sample's reach")
}
