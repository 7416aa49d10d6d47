// Package pieces joins lines that came in pieces, as Docker and CRI cut them, and the lines of stack traces.
//
// A sender waits for the acknowledgement of one piece before it sends the next, so pieces are acknowledged before their line is whole.
// What is held is therefore in a Store before it is acknowledged, and leaves it when the pipeline has the joined record. Everything
// held has an age and a cap: what is too old, too long or too much is emitted as it is, and says so in the attribute fluent.partial.
//
// Take and the Tx it returns are the only way in: the caller stores (Hold), hands the logs on, and then commits or rolls back. After a
// rollback everything is as if the message had never come, so that it can come again.
package pieces
