package photo

// Normalise writes what a network reads, (v/255 - mean) / std for each channel, into dst, which has the
// shape [Height, Width, 3] of the picture and must be that long.
func Normalise(dst []float32, m *Image, mean, std [3]float32) {
	var table [3][256]float32
	for c := range table {
		for v := range table[c] {
			table[c][v] = (float32(v)/255 - mean[c]) / std[c]
		}
	}
	dst = dst[:len(m.Pix)]
	for i := 0; i+2 < len(m.Pix); i += 3 {
		p, to := m.Pix[i:i+3:i+3], dst[i:i+3:i+3]
		to[0], to[1], to[2] = table[0][p[0]], table[1][p[1]], table[2][p[2]]
	}
}
