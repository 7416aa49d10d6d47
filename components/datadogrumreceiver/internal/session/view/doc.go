// Package view makes one document of the versions of a view that an SDK sends.
package view
