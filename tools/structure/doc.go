// Command structure prints how the code of each component hangs together, from
// its call graph:
//
//		cd tools/structure && go run . [-root ../..] [-v] [component…]
//
//	  - calls up: of the calls from one file to another, how many go back up. A
//	    file's floor is the length of the longest way to it from factory.go, without
//	    calls that close a circle; a call to a file on a lower-numbered floor goes up.
//	  - an item's way: the functions reached from where an item enters, in the order
//	    they are called, each once. A stay is a run of them in one file; a return
//	    is a stay in a file that was left before.
//	  - structs of more than 12 fields outside configuration, and packages of more
//	    than 1500 lines, tests not counted.
//
// A function that is handed over counts as called there. A call of an interface
// of ours counts as a call of each of our types that has it. -v names the calls
// that go up, and the way.
package main
