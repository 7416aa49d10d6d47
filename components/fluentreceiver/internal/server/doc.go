// Package server speaks the Fluent forward protocol on connections: it accepts them, shakes hands, finds where messages end, hands
// whole messages to a Handler, and acknowledges what the Handler took.
//
// A connection between messages has a goroutine and no buffer, and lives as long as its peer likes. Inside a message the peer must go
// on: ReadTimeout bounds its silences and MessageTimeout the whole. What has arrived of a message is charged to the reception pool of
// internal/admission; while there is no room the connection is not read, and the peer waits.
package server
