package photo

// Normalise writes what a network reads, (v/255 - mean) / std for each channel, into dst, which has the
// shape [Height, Width, 3] of the picture and must be that long. It is a product and a sum of float32, each
// rounded, so that every platform gives the same bits.
func Normalise(dst []float32, m *Image, mean, std [3]float32) {
	dst = dst[:len(m.Pix)]
	// Numbers for eight pixels, as they lie behind each other.
	var scale, offset [normaliseBlock]float32
	for i := range scale {
		scale[i], offset[i] = 1/(255*std[i%3]), -mean[i%3]/std[i%3]
	}
	done := 0
	if blocks := len(dst) / normaliseBlock; simd && blocks > 0 {
		normaliseAVX2(&dst[0], &m.Pix[0], &scale, &offset, blocks)
		done = blocks * normaliseBlock
	}
	for i := done; i < len(dst); i++ {
		product := float32(float32(m.Pix[i]) * scale[i%3])
		dst[i] = product + offset[i%3]
	}
}

// normaliseBlock is how many values normaliseAVX2 writes at once.
const normaliseBlock = 24
