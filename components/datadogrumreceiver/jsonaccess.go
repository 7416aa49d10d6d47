package datadogrumreceiver

import (
	"math"
	"strconv"
)

// child returns the member of object i called key, or -1.
func (d *jsonDoc) child(i int, key string) int {
	if i < 0 || d.nodes[i].kind != jsonObject {
		return -1
	}
	for j := int(d.nodes[i].first); j < int(d.nodes[i].end); j = int(d.nodes[j].next) {
		if d.nodes[j].key == key {
			return j
		}
	}
	return -1
}

// text returns the string at node i, or "" when there is none.
func (d *jsonDoc) text(i int) string {
	if i < 0 || d.nodes[i].kind != jsonString {
		return ""
	}
	return d.nodes[i].str
}

// idText is text, and a number as it was written: some SDKs write ids bare.
func (d *jsonDoc) idText(i int) string {
	if i >= 0 && d.nodes[i].kind == jsonNumber {
		return d.nodes[i].str
	}
	return d.text(i)
}

// float returns the number at node i.
func (d *jsonDoc) float(i int) (float64, bool) {
	if i < 0 || d.nodes[i].kind != jsonNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(d.nodes[i].str, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// integer returns the number at node i rounded towards zero, when it fits.
func (d *jsonDoc) integer(i int) (int64, bool) {
	if i < 0 || d.nodes[i].kind != jsonNumber {
		return 0, false
	}
	if n, err := strconv.ParseInt(d.nodes[i].str, 10, 64); err == nil {
		return n, true
	}
	f, ok := d.float(i)
	if !ok || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}
