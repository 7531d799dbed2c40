package money

// The table follows ISO 4217 as published by its maintenance agency, SIX: List One
// (current currencies and funds) as of 2026-09-17 and List Three (historical) as of
// 2026-01-01, up to and including amendment 180, by which Bulgaria's lev gave way to
// the euro.
//
// How it was made, and what that leaves unverified:
//   - List One was read in its edition of 2024-06-25 and brought forward by hand:
//     ZWL gave way to ZWG, ANG to XCG, CUC and BGN went, XAD came, XAD and UYW are
//     marked as funds. The counts (178 codes: 17 without decimals, 139 with two, 7
//     with three, 2 with four, 13 without a minor unit) agree with what was reported
//     of the edition of 2026-09-17; that file itself was not read.
//   - List Three was read in its edition of 2024-01-01, with ANG, BGN, CUC and ZWL
//     added. It has 129 codes that are no longer current, as was reported of the
//     edition of 2026-01-01.
//   - List Three names no decimals. Those of withdrawn codes are the ones that
//     OpenJDK 17 keeps, else two; for codes withdrawn before 2000 nobody vouches.
//   - List Three names months, sometimes the last of validity and sometimes the
//     first after it. WithdrawnOn is the day where it is commonly known (the changes
//     to the euro among them), else the first of that month; for a span the first
//     of its last month. Neither these days nor ValidFrom, which ISO does not list
//     (CLDR 48 and the amendments do), were checked against national law.
//
// Codes and numbers were compared with Debian's iso-codes 4.15 (2023), the decimals
// of current codes with OpenJDK 17.0.15: no differences where both know a code.
//
// A row is never removed: logs and reports need it. A withdrawn code moves to
// withdrawnCurrencies, with its day.
var byCode = index(currentCurrencies, withdrawnCurrencies)

func index(tables ...[]Currency) map[string]Currency {
	m := make(map[string]Currency)
	for _, table := range tables {
		for _, c := range table {
			m[c.Code] = c
		}
	}
	return m
}
