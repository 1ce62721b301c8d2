package evaluation

import "math"

// calibrationBins is the number of bins of the expected calibration error.
const calibrationBins = 15

// CalibrationBin are the answers whose probabilities lie in one of fifteen equal parts of 0 to 1.
type CalibrationBin struct {
	Photos      int     `json:"photos"`
	Probability float64 `json:"probability"` // mean
	Right       float64 `json:"right"`       // share of them
}

// Calibration are the bins that have answers, by rising probability: calibrated answers are right as often as is probable.
// Where no dress was found, no probability was given.
func (r FacetReport) Calibration() []CalibrationBin { return calibration(r.answers) }

func calibration(answers []answer) []CalibrationBin {
	var all [calibrationBins]CalibrationBin
	for _, a := range answers {
		if a.label == "" {
			continue
		}
		bin := &all[min(int(a.probability*calibrationBins), calibrationBins-1)]
		bin.Photos++
		bin.Probability += a.probability
		if a.truth == a.label {
			bin.Right++
		}
	}
	var bins []CalibrationBin
	for _, b := range all {
		if b.Photos > 0 {
			b.Probability /= float64(b.Photos)
			b.Right /= float64(b.Photos)
			bins = append(bins, b)
		}
	}
	return bins
}

// calibrationError is the expected calibration error (https://arxiv.org/abs/1706.04599): by how much the probabilities of
// the answers differ from the share of right ones, in bins of equal width.
func calibrationError(answers []answer) float64 {
	gap, photos := 0.0, 0
	for _, b := range calibration(answers) {
		gap += math.Abs(b.Right-b.Probability) * float64(b.Photos)
		photos += b.Photos
	}
	return gap / float64(max(photos, 1))
}
