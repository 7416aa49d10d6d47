package textline

import "time"

// clock reads the date and time s begins with and returns how many bytes it has, 0 for none. zoned tells that it has a date and an
// offset, so that t is one point in time.
func clock(s string) (n int, t time.Time, zoned bool) {
	year, month, day, n := date(s)
	dated := n > 0
	if dated {
		if n == len(s) || s[n] != 'T' && s[n] != ' ' {
			return 0, t, false
		}
		n++
	}
	hour, minute, second, m := hms(s[n:])
	if m == 0 {
		return 0, t, false
	}
	n += m
	nanos := 0
	if n < len(s) && (s[n] == '.' || s[n] == ',') {
		digits := count(s[n+1:])
		if digits == 0 {
			return n, t, false
		}
		for i := range 9 {
			nanos *= 10
			if i < digits {
				nanos += int(s[n+1+i] - '0')
			}
		}
		n += 1 + digits
	}
	offset, m := zone(s[n:])
	if m == 0 || !dated {
		return n + m, t, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC).Add(-offset)
	return n + m, t, true
}

// date reads 2026-11-27 or 2026/11/27.
func date(s string) (year, month, day, n int) {
	if len(s) < 10 || count(s[:4]) != 4 || s[4] != '-' && s[4] != '/' || count(s[5:7]) != 2 || s[7] != s[4] || count(s[8:10]) != 2 {
		return 0, 0, 0, 0
	}
	year, month, day = number(s[:4]), number(s[5:7]), number(s[8:10])
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, 0, 0, 0
	}
	return year, month, day, 10
}

// hms reads 15:04:05.
func hms(s string) (hour, minute, second, n int) {
	if len(s) < 8 || count(s[:2]) != 2 || s[2] != ':' || count(s[3:5]) != 2 || s[5] != ':' || count(s[6:8]) != 2 {
		return 0, 0, 0, 0
	}
	hour, minute, second = number(s[:2]), number(s[3:5]), number(s[6:8])
	if hour > 23 || minute > 59 || second > 60 {
		return 0, 0, 0, 0
	}
	return hour, minute, second, 8
}

// zone reads Z, +01:00 or +0100, after a blank too.
func zone(s string) (offset time.Duration, n int) {
	if s != "" && s[0] == 'Z' {
		return 0, 1
	}
	if len(s) > 1 && s[0] == ' ' && (s[1] == '+' || s[1] == '-') {
		if offset, n = zone(s[1:]); n > 0 {
			n++
		}
		return offset, n
	}
	if len(s) < 5 || s[0] != '+' && s[0] != '-' || count(s[1:3]) != 2 {
		return 0, 0
	}
	minutes := s[3:]
	n = 5
	if minutes[0] == ':' {
		minutes = minutes[1:]
		n = 6
	}
	if len(minutes) < 2 || count(minutes[:2]) != 2 || len(s) > n && count(s[n:n+1]) != 0 {
		return 0, 0
	}
	offset = time.Duration(number(s[1:3]))*time.Hour + time.Duration(number(minutes[:2]))*time.Minute
	if offset > 15*time.Hour {
		return 0, 0
	}
	if s[0] == '-' {
		offset = -offset
	}
	return offset, n
}

// count is how many digits s begins with.
func count(s string) (n int) {
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

func number(digits string) (n int) {
	for _, c := range []byte(digits) {
		n = n*10 + int(c-'0')
	}
	return n
}
