//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
)

// soakRounds is how often the index is rebuilt, with a kill each time.
const soakRounds = 20

// nights is a catalogue that changes every night: each row says which night it is of, and products come and go.
type nights struct {
	t      *testing.T
	file   string
	photos []string
}

// write makes the catalogue of a night and returns how many rows it has.
func (n *nights) write(night int) int {
	var b bytes.Buffer
	rows := 0
	for i, photo := range n.photos {
		if i > 0 && (i+night)%5 == 0 {
			continue // the first is what is searched with
		}
		line, err := json.Marshal(map[string]any{"photo": photo, "product_id": filepath.Base(photo), "night": strconv.Itoa(night)})
		require.NoError(n.t, err)
		b.Write(append(line, '\n'))
		rows++
	}
	require.NoError(n.t, os.WriteFile(n.file, b.Bytes(), 0o600))
	return rows
}

// customer searches without pause. An answer has all rows of one night, and none of another.
type customer struct {
	url      string
	photo    []byte
	rows     sync.Map // night to number of rows
	searches atomic.Int64
	nights   sync.Map // that were seen
	wrong    chan string
}

func (c *customer) search(t *testing.T) {
	status, body := upload(t, c.url, c.photo, map[string]string{"k": "100", "one_per_product": "false"})
	c.searches.Add(1)
	var answer searcher.Answer
	if status != http.StatusOK || json.Unmarshal(body, &answer) != nil || len(answer.Results) == 0 {
		c.complain("a search failed with status %d: %s", status, body)
		return
	}
	night := answer.Results[0].Attributes["night"]
	for _, r := range answer.Results {
		if r.Attributes["night"] != night {
			c.complain("an answer is of nights %s and %s", night, r.Attributes["night"])
			return
		}
	}
	c.nights.Store(night, true)
	if want, _ := c.rows.Load(night); want != len(answer.Results) || answer.TotalMatches != len(answer.Results) {
		c.complain("an answer has %d of %d rows (%v) of night %s", len(answer.Results), answer.TotalMatches, want, night)
	}
}

func (c *customer) complain(format string, args ...any) {
	select {
	case c.wrong <- fmt.Sprintf(format, args...):
	default: // one is enough
	}
}

// soak rebuilds an index again and again, kills each job at a random moment and lets the same command go on, while a
// customer searches. between is called between two nights.
func soak(t *testing.T, store string, between func(night int)) {
	s, err := paintedShop()
	require.NoError(t, err)
	dir := t.TempDir()
	n := &nights{t, filepath.Join(dir, "catalogue.jsonl"), s.photos(t)}
	out := filepath.Join(dir, "index")
	if store == "" {
		store = "embedded:" + out
	}
	// A fifth of the products goes every night, and as many come: more than the gate takes for usual.
	index := func(out, store string) []string {
		return []string{"index", "--catalogue", n.file, "--out", out, "--store", store, "--gate-rows", "0.5", "--gate-lost", "1"}
	}
	data, err := os.ReadFile(n.photos[0])
	require.NoError(t, err)
	c := &customer{photo: data, wrong: make(chan string, 1)}
	c.rows.Store("0", n.write(0))
	require.Equal(t, exit.Done, kleid(t, index(out, store)...).code)
	begun := time.Now()
	require.Equal(t, exit.Done, start(t, index(out, store)...).end(t))
	usual := time.Since(begun)
	c.url = start(t, "serve", "--index", out, "--store", store, "--store-timeout", "30s", "--listen", "127.0.0.1:0").url(t)

	stop := make(chan struct{})
	var searching sync.WaitGroup
	searching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c.search(t)
			}
		}
	})
	random := rand.New(rand.NewPCG(6, 20))
	killed := 0
	for night := 1; night <= soakRounds; night++ {
		c.rows.Store(strconv.Itoa(night), n.write(night))
		p := start(t, index(out, store)...)
		timer := time.AfterFunc(time.Duration(random.Float64()*float64(usual)), func() { p.signal(syscall.SIGKILL) })
		if p.end(t) == -1 {
			killed++
		}
		timer.Stop()
		p = start(t, index(out, store)...)
		require.Equal(t, exit.Done, p.end(t), "night %d: %s", night, p.stderr.String())
		between(night)
		select {
		case problem := <-c.wrong:
			require.Fail(t, problem, "night %d", night)
		default:
		}
	}
	last := strconv.Itoa(soakRounds)
	require.Eventually(t, func() bool { _, seen := c.nights.Load(last); return seen }, patience, 20*glance)
	close(stop)
	searching.Wait()
	select {
	case problem := <-c.wrong:
		require.Fail(t, problem)
	default:
	}
	require.Greater(t, killed, soakRounds/4, "most jobs ended before they were killed")
	require.Greater(t, c.searches.Load(), int64(soakRounds))
	t.Logf("%d of %d jobs were killed, %d searches, an undisturbed job takes %v", killed, soakRounds, c.searches.Load(), usual)

	undisturbed := filepath.Join(dir, "undisturbed")
	require.Equal(t, exit.Done, kleid(t, index(undisturbed, "embedded:"+undisturbed)...).code)
	require.Equal(t, timeless(rows(t, undisturbed)), timeless(rows(t, out)))
	verified := kleid(t, "index", "verify", "--out", out, "--store", store, "--json")
	require.Equal(t, exit.Done, verified.code, verified.stderr)
	report, err := indexer.ReadReport(out, decodeLine[indexer.Verification](t, verified).Run)
	require.NoError(t, err)
	require.Zero(t, report.Unreadable)
	require.Equal(t, catalog.StatusOK, rows(t, out)[0].Status)
}

// TestSoak rebuilds the embedded store.
func TestSoak(t *testing.T) { soak(t, "", func(int) {}) }

// TestSoakOnMilvus rebuilds in a Milvus that is killed and started again now and then: searches that come then wait.
func TestSoakOnMilvus(t *testing.T) {
	server := milvustest.StartIn(t, t.TempDir())
	soak(t, milvustest.URL(server.Address, "dresses"), func(night int) {
		if night%6 == 0 {
			server.Restart()
		}
	})
}
