package queue

import "testing"

func FuzzParseMetadata(f *testing.F) {
	f.Add(Metadata{Read: 3, Write: 9}.Encode())
	f.Add([]byte{0x2a, 8, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMetadata(b)
		if err != nil {
			return
		}
		again, err := ParseMetadata(m.Encode())
		m.Dispatched = nil
		if err != nil || again.Read != m.Read || again.Write != m.Write || again.BytesSize != m.BytesSize || again.ItemsSize != m.ItemsSize {
			t.Fatalf("%v became %v: %v", m, again, err)
		}
	})
}
