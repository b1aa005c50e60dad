// What a page waits for that imports a module, whatever is in it.
export {};
