package decode

// IsJSON tells JSON from MessagePack by its first byte: every trace payload is an array or a map, and MessagePack's begin otherwise.
func IsJSON(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\n', '\r':
		case '[', '{':
			return true
		default:
			return false
		}
	}
	return false
}

// fromJSON turns a JSON payload into MessagePack.
func (d *Decoder) fromJSON() error {
	out, err := appendJSON(d.json[:0], string(d.r.Buf))
	if err != nil {
		return err
	}
	// The tags that are JSON themselves get a buffer of their own.
	d.json = nil
	d.r.Buf = out
	return nil
}
