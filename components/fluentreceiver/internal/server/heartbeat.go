package server

import (
	"errors"
	"net"
	"time"
)

// ServeHeartbeats answers datagrams until conn is closed: a byte each, whatever they hold, so that an answer is never larger than what
// it answers.
func (s *Server) ServeHeartbeats(conn net.PacketConn) {
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		var b [1]byte
		for {
			n, from, err := conn.ReadFrom(b[:])
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				// An error of one datagram is none of the next.
				time.Sleep(firstPause)
			}
			if n == 0 || from == nil {
				continue
			}
			s.handler.Beat(BeatDatagram)
			_, _ = conn.WriteTo([]byte{0}, from)
		}
	}()
}
