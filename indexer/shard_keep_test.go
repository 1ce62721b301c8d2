package indexer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A night that is not published costs no shard what it has embedded: it forgets what is gone when it begins anew after one
// that was.
func TestShardsKeepUntilPublished(t *testing.T) {
	for _, place := range []string{"folder", "S3"} {
		t.Run(place, func(t *testing.T) {
			b := newBench(t, pictures(0, 24))
			if place == "S3" {
				fakeS3(t, "index", nil)
			}
			options := func(machine string) Options {
				o := b.options()
				if place == "S3" {
					o.Out, o.Scratch = "s3://shop/index", filepath.Join(filepath.Dir(b.out), machine)
				}
				return o
			}
			shard := func(job string) int {
				t.Helper()
				o := options(job) // a machine that knows nothing
				o.Store = nil
				report, err := RunShard(t.Context(), o, Shard{0, 1, job})
				require.NoError(t, err)
				return report.Embedded
			}
			commit := func(job string, published bool) {
				t.Helper()
				report, err := CommitShards(t.Context(), options("committer"), job, 1)
				require.NoError(t, err)
				require.Equal(t, published, report.Published, "%v", report.Gate.Reasons)
			}
			aside := filepath.Join(filepath.Dir(b.out), "aside")
			require.NoError(t, os.Mkdir(aside, 0o755))
			move := func(n int, from, to string) {
				for i := range n {
					require.NoError(t, os.Rename(filepath.Join(from, pictureName(i)), filepath.Join(to, pictureName(i))))
				}
			}

			require.Equal(t, 24, shard("monday"))
			commit("monday", true)
			move(20, b.photos, aside)
			require.Zero(t, shard("tuesday"))
			commit("tuesday", false) // the catalogue was cut short
			move(20, aside, b.photos)
			require.Zero(t, shard("wednesday"))
			commit("wednesday", true)

			model := b.embedder.meta
			b.embedder.meta.EmbeddingModel = "trunk-2"
			require.Equal(t, 24, shard("thursday")) // and nobody commits it
			b.embedder.meta = model
			require.Zero(t, shard("friday"))
			commit("friday", true)

			// A commit that comes late does not speak for the photos that the next try has embedded meanwhile.
			require.Zero(t, shard("saturday"))
			writeFiles(t, b.photos, pictures(24, 26))
			require.Equal(t, 26, shard("sunday"))
			commit("saturday", true)
			require.Zero(t, shard("sunday"))
			commit("sunday", true)

			// What was published without a photo forgets it, when the next try begins.
			move(20, b.photos, aside)
			o := options("committer")
			require.Zero(t, shard("monday"))
			o.Force = true
			report, err := CommitShards(t.Context(), o, "monday", 1)
			require.NoError(t, err)
			require.True(t, report.Published)
			move(20, aside, b.photos)
			require.Equal(t, 0, shard("tuesday"), "30 of 50 are there still: the smaller part is not worth it")
			commit("tuesday", true)
			move(26, b.photos, aside)
			require.Zero(t, shard("wednesday"))
			report, err = CommitShards(t.Context(), o, "wednesday", 1)
			require.NoError(t, err)
			require.True(t, report.Published)
			require.Zero(t, shard("thursday"))
			move(26, aside, b.photos)
			require.Equal(t, 26, shard("thursday"))
		})
	}
}
