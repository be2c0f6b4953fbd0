/* FILLING_WORDS words that look random, so that an application has more than one block, and no two of them alike. */
  .section .filling, "a"
  .set filling_word, FILLING_SEED
  .rept FILLING_WORDS
  .word filling_word
  .set filling_word, (filling_word * 1664525 + 1013904223) & 0xffffffff
  .endr
