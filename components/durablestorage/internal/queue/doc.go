// Package queue reads and writes what exporterhelper keeps in a storage: the
// keys and the metadata of its persistent queue, and its requests.
package queue
