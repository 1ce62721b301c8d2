package searcher

import "context"

type healthOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Status string `json:"status" enum:"ok"`
		Run    string `json:"run,omitempty" doc:"The index that is served"`
	}
}

func newHealth(run string) *healthOutput {
	h := &healthOutput{CacheControl: "no-store"}
	h.Body.Status, h.Body.Run = "ok", run
	return h
}

func (s *Server) health(context.Context, *struct{}) (*healthOutput, error) { return newHealth(""), nil }

// ready fails while there is no index that can be searched.
func (s *Server) ready(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	d, err := s.engine.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return newHealth(d.Run), nil
}
