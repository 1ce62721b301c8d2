package kernels

// hasWinogradFew says whether there is a winogradFewRow.
func hasWinogradFew() bool { return Active() == AVX512 }

// winogradFewRow does the work at the points of a row.
func winogradFewRow(row int, w *winogradFewWork) {
	switch row {
	case 0:
		winogradFew0(w)
	case 1:
		winogradFew1(w)
	case 2:
		winogradFew2(w)
	case 3:
		winogradFew3(w)
	case 4:
		winogradFew4(w)
	case 5:
		winogradFew5(w)
	}
}

//go:noescape
func winogradFew0(w *winogradFewWork)

//go:noescape
func winogradFew1(w *winogradFewWork)

//go:noescape
func winogradFew2(w *winogradFewWork)

//go:noescape
func winogradFew3(w *winogradFewWork)

//go:noescape
func winogradFew4(w *winogradFewWork)

//go:noescape
func winogradFew5(w *winogradFewWork)
