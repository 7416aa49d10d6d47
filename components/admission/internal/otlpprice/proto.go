package otlpprice

import (
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// Limits are what a request may cost.
type Limits struct {
	// Cost is the most memory; beyond it the walk ends.
	Cost int64
	// Depth is how many messages may stand in one another inside a span, record or data point.
	Depth int
}

var (
	errMalformed error = admission.Refuse(admission.ReasonMalformed, "is not valid OTLP")
	errDepth     error = admission.Refuse(admission.ReasonDepth, "is nested deeper than max_depth")
	errPrice     error = admission.Refuse(admission.ReasonPrice, "costs more memory decoded than one request may")
)

// Shallow returns an upper bound of what the protobuf request b costs, from its lengths.
func Shallow(b []byte, root Root, l Limits) (int64, error) { return walkAll(b, root, l, itemMax) }

// Deep returns what the protobuf request b costs, from every field of it.
func Deep(b []byte, root Root, l Limits) (int64, error) { return walkAll(b, root, l, -1) }

func walkAll(b []byte, root Root, l Limits, skip int) (int64, error) {
	w := walk{limit: l.Cost, skip: skip}
	if err := w.message(b, roots[root], l.Depth+itemDepth); err != nil {
		return w.cost, err
	}
	return w.cost, nil
}

// itemDepth is how deep the items of a request stand in it: request, resource, scope, metric, data, point.
const itemDepth = 6

type walk struct {
	cost, limit int64
	skip        int // items up to this long are not looked into
}

// message prices the fields of a message of kind k. It calls itself no deeper than depth.
func (w *walk) message(b []byte, k kind, depth int) error {
	if depth == 0 {
		return errDepth
	}
	kids := &children[k]
	for i := 0; i < len(b); {
		tag := uint64(b[i])
		if i++; tag >= 0x80 {
			if tag, i = varint(b, i-1); i < 0 {
				return errMalformed
			}
		}
		// As pdata does: what does not fit 32 bits is cut off, so that 2^32+1 is field 1.
		num := int32(tag >> 3)
		if num <= 0 {
			return errMalformed
		}
		var child kind
		switch {
		case num < fields:
			child = kids[num]
		case num == deprecatedScopes:
			if k == resourceSpans || k == resourceLogs || k == resourceMetrics || k == resourceProfiles {
				child = kids[2]
			}
		}
		switch tag & 7 {
		case 0:
			for start := i; ; i++ {
				if i >= len(b) || i-start >= 10 {
					return errMalformed
				}
				if b[i] < 0x80 {
					i++
					break
				}
			}
			if child == varints {
				w.cost += numberPrice
			}
		case 1:
			if i += 8; i > len(b) {
				return errMalformed
			}
			if child == fixed {
				w.cost += numberPrice
			}
		case 5:
			if i += 4; i > len(b) {
				return errMalformed
			}
		case 2:
			if i >= len(b) {
				return errMalformed
			}
			n := uint64(b[i])
			if i++; n >= 0x80 {
				if n, i = varint(b, i-1); i < 0 {
					return errMalformed
				}
			}
			if n > uint64(len(b)-i) {
				return errMalformed
			}
			length := int(n)
			if err := w.value(b[i:i+length], child, depth); err != nil {
				return err
			}
			i += length
		default:
			return errMalformed
		}
	}
	if w.cost > w.limit {
		return errPrice
	}
	return nil
}

// value prices one length-delimited field.
func (w *walk) value(b []byte, k kind, depth int) error {
	switch k {
	case none:
		return nil
	case text:
		w.cost += int64(len(b)) + textPrice
		return nil
	case fixed:
		w.cost += 3 * int64(len(b))
		return nil
	case varints:
		w.cost += varintByte * int64(len(b))
		return nil
	}
	w.cost += price[k]
	if w.cost > w.limit {
		return errPrice
	}
	if len(b) <= w.skip && itemByte[k] > 0 {
		w.cost += itemByte[k] * int64(len(b))
		return nil
	}
	if len(b) == 0 {
		return nil
	}
	return w.message(b, k, depth-1)
}

// varint reads one from b[i:] as pdata does, which cuts off what does not fit 64 bits; the second value is the index behind
// it, or -1.
func varint(b []byte, i int) (uint64, int) {
	var v uint64
	for shift := uint(0); shift < 70; shift += 7 {
		if i >= len(b) {
			return 0, -1
		}
		c := b[i]
		i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i
		}
	}
	return 0, -1
}
