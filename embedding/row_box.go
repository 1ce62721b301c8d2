package embedding

import (
	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// RowBox is a box as rows have it.
func RowBox(b photo.Box) catalog.Box {
	return catalog.Box{XMin: int32(b.XMin), YMin: int32(b.YMin), XMax: int32(b.XMax), YMax: int32(b.YMax)}
}
