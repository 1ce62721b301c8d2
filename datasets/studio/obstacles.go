package studio

import "math"

// paintObstacles puts things between camera and dress, as customers' photos have them. hand is where a
// hand of the wearer is, in centimetres.
func paintObstacles(c *canvas, view warp, l light, d dice, kind Kind, hand point, scale float64) {
	leather := pick(d, hex(0x2b2422), hex(0x7c4f2f), hex(0xc29a6b), hex(0x8c1f2b), hex(0xe8e0d4), hex(0x394a63))
	switch kind {
	case Worn:
		switch pick(d, "bag", "bag", "strap", "phone", "necklace", "scarf") {
		case "bag":
			at := hand.add(point{0, 6})
			wide, high := d.between(7, 12), d.between(6, 10)
			c.stroke(view.all(smooth(5, at.add(point{-wide * 0.6, high * 0.2}), at.add(point{-wide * 0.4, -8}), at.add(point{wide * 0.4, -8}), at.add(point{wide * 0.6, high * 0.2}))), 1.2*scale, leather.times(0.8), 1, false)
			c.solid(smooth(4, at.add(point{-wide, 0}), at.add(point{wide, 0}), at.add(point{wide * 1.05, high * 1.6}), at.add(point{-wide * 1.05, high * 1.6}), at.add(point{-wide, 0})), view, func(u, _ float32) (rgb, float32) {
				return leather.times(l.ambient + l.strength*0.8), 1
			})
		case "strap": // a bag worn across
			s := d.sign()
			c.stroke(view.all([]point{{s * -9, 29}, {s * 4, 50}, {s * 17, 74}}), 1.4*scale, leather, 1, false)
			c.solid(box(s*17-7, 72, s*17+7, 84, 8), view, func(float32, float32) (rgb, float32) { return leather.times(l.ambient + l.strength*0.7), 1 })
		case "phone":
			at := point{d.between(-6, 6), d.between(14, 34)}
			c.paint(skins[2].times(0.9), 1, view.all(oval(at.add(point{1.5, 3.5}), 5.2, 4.2, 0.5, 14)))
			c.paint(hex(0x17181b), 1, view.all(box(at.x-3.8, at.y-7.5, at.x+3.8, at.y+7.5, 20)))
			c.paint(hex(0x35383e), 1, view.all(oval(at.add(point{-1.8, -5}), 1.1, 1.1, 0, 10)))
		case "necklace":
			c.stroke(view.all(smooth(6, point{-5.5, 28}, point{-4, 40}, point{0, d.between(44, 54)}, point{4, 40}, point{5.5, 28})), math.Max(0.5*scale, 1), pick(d, hex(0xe2c46d), hex(0xd9dce2), hex(0xf3efe6)), 1, false)
		case "scarf":
			wool := hsl(d.between(0, 360), d.between(0.2, 0.6), d.between(0.3, 0.7))
			s := d.sign()
			c.solid(smooth(4, point{s * 5, 27}, point{s * 9, 30}, point{s * 11, 62}, point{s * 6, 63}, point{s * 5.5, 40}, point{s * 5, 27}), view, func(u, v float32) (rgb, float32) {
				return wool.times(l.ambient + l.strength*(0.7+0.2*sine(v*0.05))), 1
			})
		}
	case Hanger:
		switch pick(d, "tag", "sleeve", "hand") {
		case "tag":
			at := point{d.between(-12, 12), d.between(48, 70)}
			c.paint(hex(0xfaf8f2), 1, view.all(box(at.x-3, at.y-4.5, at.x+3, at.y+4.5, 20)))
			c.stroke(view.all([]point{{at.x - 2, at.y}, {at.x + 2, at.y}}), math.Max(0.4*scale, 1), hex(0x333333), 0.9, false)
		case "sleeve": // the neighbour on the rail
			wool := hsl(d.between(0, 360), d.between(0.1, 0.6), d.between(0.2, 0.7))
			s := d.sign()
			x := s * d.between(20, 27)
			c.solid(smooth(4, point{x, 28}, point{x + s*16, 26}, point{x + s*20, 140}, point{x + s*2, 142}, point{x, 28}), view, func(u, v float32) (rgb, float32) {
				return wool.times(l.ambient + l.strength*(0.6+0.3*sine(u*0.16))), 1
			})
		case "hand":
			s := d.sign()
			skin := skins[d.IntN(len(skins))]
			y := d.between(40, 100)
			c.tube([]point{{s * 62, y + 18}, {s * 40, y + 6}, {s * 24, y}}, func(int) float64 { return 3.6 }, view, func(u, _ float32) (rgb, float32) { return skin.times(l.ambient + l.strength*(0.9-0.3*u*u)), 1 })
			c.paint(skin.times(0.92), 1, view.all(oval(point{s * 20, y - 1}, 6, 3.6, 0, 14)))
		}
	default:
		switch pick(d, "shoes", "book", "cup", "foot", "corner") {
		case "shoes":
			s := d.sign()
			for i := range 2 {
				c.paint(leather, 1, view.all(smooth(4, point{s * (17 + 9*float64(i)), 128}, point{s * (21 + 9*float64(i)), 122}, point{s * (24 + 9*float64(i)), 130}, point{s * (23 + 9*float64(i)), 148}, point{s * (18 + 9*float64(i)), 149}, point{s * (17 + 9*float64(i)), 128})))
			}
		case "book":
			s := d.sign()
			at := point{s * d.between(18, 30), d.between(40, 110)}
			turn := d.between(-0.6, 0.6)
			var cover []point
			for _, p := range box(-8, -11, 8, 11, 30) {
				cover = append(cover, at.add(p.turned(turn)))
			}
			c.paint(hsl(d.between(0, 360), 0.4, 0.5), 1, view.all(cover))
		case "cup":
			at := point{d.sign() * d.between(20, 32), d.between(35, 120)}
			c.paint(hex(0xf6f3ee), 1, view.all(oval(at, 6, 6, 0, 20)))
			c.paint(hex(0x4a2d1d), 1, view.all(oval(at, 4.8, 4.8, 0, 20)))
		case "foot":
			skin := skins[d.IntN(len(skins))]
			x := d.between(-14, 14)
			c.paint(skin.times(l.ambient+l.strength*0.8), 1, view.all(oval(point{x, hemY["maxi"] + 4}, 5, 12, 0.1, 16)))
		case "corner": // a fold of the sheet over the hem
			s := d.sign()
			c.paint(hex(0xe9e6e0), 1, view.all(smooth(4, point{s * 40, 90}, point{s * 8, 112}, point{s * 14, 150}, point{s * 50, 150})))
		}
	}
}
