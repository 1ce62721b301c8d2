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

// fold is that with which a real scene is left out, see FoldOf; -1 of a painted one.
func (s *Scene) fold() int {
	if !s.Real {
		return -1
	}
	return foldOf(s.Fold, s.Name)
}
