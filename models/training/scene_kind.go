package training

// sceneKind tells scenes apart that are weighed differently.
type sceneKind int

const (
	realDress sceneKind = iota
	paintedDress
	streetOther // a real photo without a dress that is evaluated with
	homeOther
	paintedEmpty
)

func (s *Scene) kind() sceneKind {
	switch {
	case s.Real && !s.Box.Empty():
		return realDress
	case s.Real && s.Fold >= 0:
		return streetOther
	case s.Real:
		return homeOther
	case s.Box.Empty():
		return paintedEmpty
	}
	return paintedDress
}

// fold is the scene's, or one of the five by its number for those without, so that something is known of photos that
// a head has not seen.
func (s *Scene) fold(number int) int {
	if s.Real && s.Fold < 0 {
		return number % realFolds
	}
	return s.Fold
}
