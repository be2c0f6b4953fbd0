/* What a module of WebAssembly needs of libc. */
#ifndef MAYDAY_TESTS_WASM_LIBC_H
#define MAYDAY_TESTS_WASM_LIBC_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))

#endif
