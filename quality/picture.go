package quality

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/kleid-search/kleid/photo"
)

const (
	pictureSide, largeSide = 560, 1600 // the longer side of a picture in pixels
	// photosAtOnce and thumbnailsAtOnce are as many as are read and decoded at once.
	photosAtOnce, thumbnailsAtOnce = 2, 16
	// around is how much of what is around a dress is shown, of its size, so that its rim is seen.
	around = 0.06
)

// photo reads a photo of an id, or its small copy.
func (r *Review) photo(ctx context.Context, id string) (*dress, []byte, error) {
	r.mu.RLock()
	c := r.collection
	r.mu.RUnlock()
	at, ok := c.at[id]
	if !ok {
		return nil, nil, ErrNotFound
	}
	d := &c.dresses[at]
	data, err := c.read(ctx, d)
	return d, data, err
}

// region is what is shown of a photo that may be a small copy of the dress's, in its pixels: the dress, or, where its copy
// is to be seen large, all of that.
func (d *dress) region(m *photo.Image, large bool) photo.Box {
	frame := m.Frame()
	if d.box == nil || d.box.Empty() || d.width > 0 && large {
		return frame
	}
	box := d.box.Grow(around)
	if d.width == 0 {
		return box
	}
	scaled := func(v int) int { return v * frame.Width() / d.width }
	small := photo.Box{XMin: scaled(box.XMin), YMin: scaled(box.YMin), XMax: scaled(box.XMax), YMax: scaled(box.YMax)}.Intersect(frame)
	if small.Empty() {
		return frame
	}
	return small
}

// picture sends the dress, small, or larger with ?large=1.
func (s *Server) picture(c *fiber.Ctx) error {
	s.decoding <- struct{}{}
	defer func() { <-s.decoding }()
	d, data, err := s.review.photo(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	m, err := photo.Open(data, photo.DefaultLimits())
	if err != nil {
		return fiber.NewError(fiber.StatusUnprocessableEntity, err.Error())
	}
	large := c.QueryBool("large")
	region, side := d.region(m, large), pictureSide
	if large {
		side = largeSide
	}
	longer := max(region.Width(), region.Height())
	scale := min(1, float64(side)/float64(longer))
	small, _ := photo.Letterbox(m, region, max(1, int(scale*float64(region.Width()))), max(1, int(scale*float64(region.Height()))))
	jpeg, err := photo.EncodeJPEG(small, 85)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "private, max-age=3600")
	c.Set(fiber.HeaderContentType, "image/jpeg")
	return c.Send(jpeg)
}
