package msgpack

// Ext reads an extension without copying: data aliases Buf.
func (r *Reader) Ext() (kind int8, data []byte, err error) {
	switch r.Kind() {
	case Ext:
	case Invalid:
		if r.Left() <= 0 {
			return 0, nil, ErrShort
		}
		return 0, nil, ErrInvalid
	default:
		return 0, nil, ErrType
	}
	n, size, err := r.length()
	if err != nil {
		return 0, nil, err
	}
	if n+1 > uint64(r.Left()-size) {
		return 0, nil, ErrShort
	}
	at := r.Pos + size
	r.Pos = at + 1 + int(n)
	return int8(r.Buf[at]), r.Buf[at+1 : r.Pos], nil
}
