/*===- Status.h - what calls of the C interfaces return -----------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Stable: values are only added.                                             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef AWQ_C_STATUS_H
#define AWQ_C_STATUS_H

/** What a call returned. The values are also the command's exit codes. */
enum AwqStatus {
  AWQ_STATUS_OK = 0,          /**< done */
  AWQ_STATUS_USAGE = 2,       /**< an argument is wrong */
  AWQ_STATUS_MALFORMED = 3,   /**< an input is damaged or incomplete */
  AWQ_STATUS_UNSUPPORTED = 4, /**< a valid input that asks for what is not there
                               */
  AWQ_STATUS_RESOURCES = 5,   /**< memory, or a processor feature, is missing */
  AWQ_STATUS_INTERNAL = 70    /**< a defect of this project */
};

#endif /* AWQ_C_STATUS_H */
