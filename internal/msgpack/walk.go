package msgpack

// Skip reads one value of any type, whatever it holds.
func (r *Reader) Skip() error { return r.Walk(nil) }

// Walk is Skip that hands every string inside the value to str, in order. The bytes alias Buf.
func (r *Reader) Walk(str func([]byte) error) error { return r.walk(str, 0) }

func (r *Reader) walk(str func([]byte) error, depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	if r.Pos >= len(r.Buf) {
		return ErrShort
	}
	values := 0
	switch kinds[r.Buf[r.Pos]] {
	case Nil, Bool:
		r.Pos++
	case Int, Uint, Float:
		_, _, size, err := r.number()
		if err != nil {
			return err
		}
		r.Pos += size
	case Str:
		b, err := r.Bytes()
		if err != nil || str == nil {
			return err
		}
		return str(b)
	case Bin:
		_, err := r.Bytes()
		return err
	case Ext:
		return r.skipExt()
	case Array:
		n, err := r.ArrayLen()
		if err != nil {
			return err
		}
		values = n
	case Map:
		n, err := r.MapLen()
		if err != nil {
			return err
		}
		values = 2 * n
	default:
		return ErrInvalid
	}
	for range values {
		if err := r.walk(str, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) skipExt() error {
	n, size, err := r.length()
	if err != nil {
		return err
	}
	if n+1 > uint64(r.Left()-size) {
		return ErrShort
	}
	r.Pos += size + 1 + int(n)
	return nil
}
