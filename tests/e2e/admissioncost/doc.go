// Package admissioncost measures what the admission extension takes of the processor from
// requests that behave: `make admission-cost`.
package admissioncost
