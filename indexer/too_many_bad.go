package indexer

import (
	"errors"
	"os"
)

// errHopeless ends the embed stage of a run, or shard, that will be refused whatever comes.
var errHopeless = errors.New("too many photos are unreadable")

// refusesBad says whether what has too many unreadable photos is refused: a run, unless there is none yet, as one is better
// than none, and a shard's result.
func (r *runner) refusesBad() bool { return (r.shard != nil || r.report.PreviousRun != "") && !r.Force }

// tooMany says whether so many photos are more than MaxBad, or MaxBadCount.
func (r *runner) tooMany(bad int) bool {
	if r.MaxBadCount != nil {
		return bad > *r.MaxBadCount
	}
	return float64(bad) > r.MaxBad*float64(len(r.entries))
}

// maxBadShare is MaxBad, or the share of the photos that MaxBadCount is, for reports.
func (r *runner) maxBadShare() float64 {
	if r.MaxBadCount == nil || len(r.entries) == 0 {
		return r.MaxBad
	}
	return min(1, float64(*r.MaxBadCount)/float64(len(r.entries)))
}

// refuse ends a job whose photos are too often unreadable: the index that is there stays.
func (r *runner) refuse(rows *rows) error {
	var t tally
	for i := range rows.entries {
		if !rows.known(i) {
			r.report.NotRead++
			continue
		}
		row, err := rows.at(i)
		if err != nil {
			return err
		}
		t.add(row)
	}
	r.report.count(t)
	return os.Remove(jobPath(r.out))
}
