; ModuleID = '<stdin>'
source_filename = "LLVMDialectModule"
target datalayout = "e-p6:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

@__wg_exchange_0 = internal unnamed_addr addrspace(3) global [128 x float] undef

; Function Attrs: norecurse nounwind
define ptx_kernel void @exchange(ptr readonly captures(none) %0, ptr writeonly captures(none) %1) local_unnamed_addr #0 !dbg !3 {
  %3 = tail call range(i32 0, 128) i32 @llvm.nvvm.read.ptx.sreg.tid.x(), !dbg !6
  %4 = zext nneg i32 %3 to i64, !dbg !6
  %5 = getelementptr inbounds nuw float, ptr %0, i64 %4, !dbg !7
  %6 = load float, ptr %5, align 4, !dbg !7
  %7 = getelementptr inbounds nuw float, ptr addrspace(3) @__wg_exchange_0, i64 %4, !dbg !8
  store float %6, ptr addrspace(3) %7, align 4, !dbg !8
  tail call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0), !dbg !9
  %8 = xor i64 %4, 31, !dbg !10
  %9 = getelementptr inbounds nuw float, ptr addrspace(3) @__wg_exchange_0, i64 %8, !dbg !11
  %10 = load float, ptr addrspace(3) %9, align 4, !dbg !11
  %11 = and i64 %4, 3, !dbg !12
  %.not = icmp eq i64 %11, 0, !dbg !13
  br i1 %.not, label %._crit_edge, label %.lr.ph, !dbg !13

.lr.ph:                                           ; preds = %.lr.ph, %2
  %12 = phi float [ %14, %.lr.ph ], [ %10, %2 ]
  %13 = phi i64 [ %15, %.lr.ph ], [ 0, %2 ]
  %14 = fmul float %12, 2.000000e+00, !dbg !14
  %15 = add nuw nsw i64 %13, 1, !dbg !13
  %exitcond.not = icmp eq i64 %15, %11, !dbg !13
  br i1 %exitcond.not, label %._crit_edge, label %.lr.ph, !dbg !13

._crit_edge:                                      ; preds = %.lr.ph, %2
  %.lcssa = phi float [ %10, %2 ], [ %14, %.lr.ph ], !dbg !15
  %16 = getelementptr inbounds nuw float, ptr %1, i64 %4, !dbg !16
  store float %.lcssa, ptr %16, align 4, !dbg !16
  ret void, !dbg !17
}

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare noundef range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x() #1

; Function Attrs: convergent nocallback nounwind
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32) #2

attributes #0 = { norecurse nounwind "nvvm.maxntid"="128,1,1" }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { convergent nocallback nounwind }

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}

!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "MLIR", isOptimized: true, runtimeVersion: 0, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "exchange.mlir", directory: "")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = distinct !DISubprogram(name: "exchange", linkageName: "exchange", scope: !1, file: !1, line: 11, type: !4, scopeLine: 11, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !0)
!4 = !DISubroutineType(cc: DW_CC_normal, types: !5)
!5 = !{}
!6 = !DILocation(line: 12, column: 10, scope: !3)
!7 = !DILocation(line: 17, column: 10, scope: !3)
!8 = !DILocation(line: 18, column: 5, scope: !3)
!9 = !DILocation(line: 19, column: 5, scope: !3)
!10 = !DILocation(line: 24, column: 10, scope: !3)
!11 = !DILocation(line: 25, column: 10, scope: !3)
!12 = !DILocation(line: 28, column: 10, scope: !3)
!13 = !DILocation(line: 30, column: 10, scope: !3)
!14 = !DILocation(line: 31, column: 12, scope: !3)
!15 = !DILocation(line: 30, column: 52, scope: !3)
!16 = !DILocation(line: 35, column: 5, scope: !3)
!17 = !DILocation(line: 36, column: 5, scope: !3)
