# The public key that the board trusts: 32 bytes in hexadecimal.
#   openssl pkey -pubin -in owner.pub -outform DER | tail -c 32 | xxd -p -c 32
set(TRUSTED_KEY "" CACHE STRING "Public key that the board trusts, 64 hexadecimal digits")
if(NOT TRUSTED_KEY MATCHES "^([0-9a-fA-F][0-9a-fA-F])+$")
  message(FATAL_ERROR "TRUSTED_KEY is not set: give the public key of your images, -DTRUSTED_KEY=64 hexadecimal digits (docs/porting.md)")
endif()
string(LENGTH ${TRUSTED_KEY} digits)
if(NOT digits EQUAL 64)
  message(FATAL_ERROR "TRUSTED_KEY has ${digits} digits instead of 64")
endif()
string(REGEX REPLACE "(..)" "0x\\1," TRUSTED_KEY_BYTES ${TRUSTED_KEY})
