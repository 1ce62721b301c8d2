package training

// sceneKind tells scenes apart that are weighed differently.
type sceneKind int

const (
	homeDress sceneKind = iota
	streetDress
	paintedDress
	streetOther
	homeOther
	paintedEmpty
)

func (s *Scene) kind() sceneKind {
	dress := !s.Box.Empty()
	switch {
	case s.Real && s.Street && dress:
		return streetDress
	case s.Real && s.Street:
		return streetOther
	case s.Real && dress:
		return homeDress
	case s.Real:
		return homeOther
	case dress:
		return paintedDress
	}
	return paintedEmpty
}

// fold is that with which a real scene is left out, see FoldOf; -1 of a painted one.
func (s *Scene) fold() int {
	if !s.Real {
		return -1
	}
	return foldOf(s.Fold, s.Name)
}
