package decode

import "github.com/otelcol-obs/otelcol-obs/internal/bytestr"

// trail is the strings read last, in their order and with their places. Spans repeat each other, so what followed the last time a
// string was met is tried first. It is most often right, and bytes that were a string there are one here too: nothing has to be
// parsed, hashed or looked up. Which guess it leads to does not matter to the result: a wrong one costs a comparison.
type trail struct {
	places [trailLength]place
	// at is where the next string is expected, to where the last one was noted.
	at, to uint32
	// The bytes up to same are equal to those shift before them.
	shift, same int
}

// place is a string at bytes pos to pos+size of the payload. The zero place is none.
type place struct {
	sym       sym
	pos, size uint32
}

const trailLength = 1 << 11

// maxAhead bounds how far beyond a string bytes are compared, so that a payload made for it can't have the same ones compared again
// and again.
const maxAhead = 256

func (t *trail) reset() {
	clear(t.places[:min(int(t.to)+1, len(t.places))])
	t.at, t.to, t.shift, t.same = 0, 0, 0, 0
}

// string reads a string.
func (d *Decoder) string() (sym, error) {
	t, start := &d.trail, d.r.Pos
	p := &t.places[t.at%trailLength]
	y, end := p.sym, start+int(p.size)
	if p.size > 0 && (start-int(p.pos) == t.shift && end <= t.same || d.recurs(p)) {
		d.r.Pos = end
		t.at++
	} else {
		b, err := d.r.Bytes()
		if err != nil {
			return noSym, err
		}
		y = d.syms.intern(b)
		t.at = d.syms.all[y].met + 1
	}
	t.to++
	t.places[t.to%trailLength] = place{sym: y, pos: uint32(start), size: uint32(d.r.Pos - start)}
	d.syms.all[y].met = t.to
	return y, nil
}

// strings reads strings into out as long as they are those expected, and returns how many. It is string for many, the places in
// registers.
func (d *Decoder) strings(out []sym) (n int) {
	t := &d.trail
	start, at, to := d.r.Pos, t.at, t.to
	all := d.syms.all
	for ; n < len(out); n++ {
		p := t.places[at%trailLength]
		end := start + int(p.size)
		if p.size == 0 {
			break
		}
		if start-int(p.pos) != t.shift || end > t.same {
			if d.r.Pos = start; !d.recurs(&p) {
				break
			}
		}
		at++
		to++
		t.places[to%trailLength] = place{sym: p.sym, pos: uint32(start), size: p.size}
		all[p.sym].met = to
		out[n] = p.sym
		start = end
	}
	d.r.Pos, t.at, t.to = start, at, to
	return n
}

// recurs tells whether the bytes of p come next, and notes for how long what follows is the same too.
func (d *Decoder) recurs(p *place) bool {
	here, there := d.r.Buf[d.r.Pos:], d.r.Buf[p.pos:]
	ahead := min(len(here), int(p.size)+maxAhead)
	n := bytestr.CommonPrefix(here[:ahead], there)
	d.trail.shift, d.trail.same = d.r.Pos-int(p.pos), d.r.Pos+n
	return n >= int(p.size)
}
