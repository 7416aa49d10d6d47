// Package originid finds the container a request comes from, by what a tracer knows about itself: the inode of its control group.
//
// In a container with a control group namespace of its own a process cannot see its container's id, only the inode of its root. On the host, which must be
// mounted where the Resolver looks, that inode is a directory whose path ends in the id.
package originid
