// The live connection; it comes with the first page.
export {};
