/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>

#include <stdio.h>

#include <weir.h>

#include "config.h"

TestSuite(version, .timeout = 10);

Test(version, the_library_is_that_of_the_headers) {
  cr_assert_eq(weir_version(), WEIR_VERSION_HEX);
}

Test(version, the_words_agree_with_the_numbers) {
  char numbers[32];
  snprintf(numbers, sizeof numbers, "%d.%d.%d", WEIR_VERSION_MAJOR,
           WEIR_VERSION_MINOR, WEIR_VERSION_PATCH);

  if (WEIR_VERSION_IS_RELEASE)
    cr_assert_str_eq(weir_version_string(), numbers);
  else
    cr_assert_str_neq(weir_version_string(), numbers);
  cr_assert_eq(strncmp(weir_version_string(), numbers, strlen(numbers)), 0);
}

Test(version, the_package_has_the_library_s_version) {
  cr_assert_str_eq(weir_version_string(), PACKAGE_VERSION);
}
