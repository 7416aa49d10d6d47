// Package action knows which actions are held and which spans they must become.
package action
