package datadogrumreceiver

import "strings"

const (
	knownObjects = 16
	minRepeated  = 16 // shorter text is parsed as fast as it is looked for
)

// repeated makes node i the object at pos if that very text was parsed before
// as a member of the same name.
func (d *jsonDoc) repeated(i int) bool {
	for k := range knownObjects {
		slot := (d.recall + k) % knownObjects
		known := &d.nodes[d.known[slot]]
		if d.known[slot] == 0 || known.depth != d.nodes[i].depth || known.key != d.nodes[i].key || !strings.HasPrefix(d.src[d.pos:], known.str) {
			continue
		}
		n := &d.nodes[i]
		n.kind, n.str, n.first, n.end = jsonObject, known.str, known.first, known.end
		d.pos += len(known.str)
		d.recall = slot + 1
		return true
	}
	return false
}

// remember notes object i, which was parsed for the first time. It takes the
// place of the last one of its name: an object that changes with every event
// must not push out those that do not.
func (d *jsonDoc) remember(i int) {
	n := &d.nodes[i]
	slot := d.forget
	for k, node := range d.known {
		if known := &d.nodes[node]; node != 0 && known.key == n.key && known.depth == n.depth {
			slot = k
			break
		}
	}
	if slot == d.forget {
		d.forget = (d.forget + 1) % knownObjects
	}
	d.known[slot] = int32(i) //nolint:gosec // arena indices
}
