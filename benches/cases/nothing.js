// How long a page waits for the import of any module.
export {};
