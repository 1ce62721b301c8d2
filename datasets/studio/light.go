package studio

// light falls from the front and one side.
type light struct {
	x, z              float32 // towards the lamp, to the right and to the viewer; unit length with y left out
	ambient, strength float32 // together about 1
}

func drawLight(d dice, query bool) light {
	side := d.about(0, 0.35)
	if query {
		side = d.about(0, 0.55)
	}
	side = clamp(side, -0.8, 0.8)
	strength := d.between(0.42, 0.62)
	if query {
		strength = d.between(0.38, 0.75)
	}
	return light{x: float32(side), z: float32(1 - 0.45*side*side), ambient: float32(1.02 - 0.82*strength), strength: float32(strength)}
}
