// Package journal keeps numbered items in a storage extension, from before
// their data is acknowledged until they are done with.
//
// The owner of the items takes a number for each (Number), notes what changed
// (Set, Remove) and calls Sync before it acknowledges: when Sync returns nil,
// everything noted before the call is in the storage. Calls that overlap share
// one write. What a failing storage did not take stays noted and is part of the
// next write, at most one change for each number, so what is noted never grows
// beyond the items that their owner holds.
//
// A storage cannot list its keys. Items therefore lie under the numbers from 0
// up to a limit that is kept beside them, and a number is used again once its
// item has been removed. A number says nothing about the order of arrival: an
// owner that needs one keeps it in the item.
//
// After a crash, Load returns every item that a Sync had confirmed and no later
// Sync removed. It may also return an item whose Sync failed or was under way.
package journal
