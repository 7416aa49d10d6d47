// Package textline reads what a line of text says about itself at its beginning: its severity and its time, in the forms that common
// loggers write.
//
// A level counts only in the place a logger writes it: "no ERROR today" says nothing. A time counts only with an offset or Z: without,
// it would be a guess. Nothing is changed, and nothing is allocated unless the line is coloured.
package textline
