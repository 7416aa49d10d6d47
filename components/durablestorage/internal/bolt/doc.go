// Package bolt reads bbolt files without trusting them: Verify reports whether
// bbolt can open a file, and Rescue brings what a damaged file still holds into
// a new one.
//
// Libraries: bbolt, to write the new file.
package bolt
