; ModuleID = '<stdin>'
source_filename = "LLVMDialectModule"
target datalayout = "e-p6:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

@smem = internal addrspace(3) global [6208 x i8] undef, align 1024

; Function Attrs: nounwind
define ptx_kernel void @w4_specialised(ptr addrspace(1) %0, ptr addrspace(1) %1, ptr addrspace(1) readonly captures(none) %2, ptr addrspace(1) writeonly captures(none) %3) local_unnamed_addr #0 !dbg !3 {
  %5 = tail call range(i32 0, 160) i32 @llvm.nvvm.read.ptx.sreg.tid.x(), !dbg !6
  %6 = lshr i32 %5, 5, !dbg !7
  %7 = icmp eq i32 %5, 0, !dbg !8
  br i1 %7, label %.preheader.preheader, label %8, !dbg !9

.preheader.preheader:                             ; preds = %4
  tail call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), i32 1), !dbg !10
  tail call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6160), i32 128), !dbg !11
  tail call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6152), i32 1), !dbg !10
  tail call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6168), i32 128), !dbg !11
  tail call void @llvm.nvvm.fence.mbarrier_init.release.cluster(), !dbg !12
  br label %8, !dbg !9

8:                                                ; preds = %.preheader.preheader, %4
  tail call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0), !dbg !13
  tail call void @llvm.nvvm.griddepcontrol.wait(), !dbg !14
  %9 = icmp eq i32 %6, 4, !dbg !15
  br i1 %9, label %10, label %36, !dbg !16

10:                                               ; preds = %8
  %11 = tail call { i32, i1 } @llvm.nvvm.elect.sync(i32 -1), !dbg !17
  %12 = extractvalue { i32, i1 } %11, 1, !dbg !17
  br i1 %12, label %13, label %.loopexit, !dbg !18

13:                                               ; preds = %10
  %14 = tail call i64 asm sideeffect "createpolicy.fractional.L2::evict_first.b64 $0, 1.0;", "=l"() #4, !dbg !19
  br label %15, !dbg !20

15:                                               ; preds = %15, %13
  %16 = tail call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6160), i32 1), !dbg !21
  br i1 %16, label %17, label %15, !dbg !22

17:                                               ; preds = %15
  %18 = tail call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), i32 3072), !dbg !23
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) @smem to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), ptr addrspace(1) %0, i32 2048, i16 0, i64 %14, i1 false, i1 true), !dbg !24
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 2048) to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), ptr addrspace(1) %1, i32 1024, i16 0, i64 0, i1 false, i1 false), !dbg !25
  br label %19, !dbg !20

19:                                               ; preds = %19, %17
  %20 = tail call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6168), i32 1), !dbg !21
  br i1 %20, label %21, label %19, !dbg !22

21:                                               ; preds = %19
  %22 = tail call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6152), i32 3072), !dbg !23
  %23 = getelementptr i8, ptr addrspace(1) %0, i64 2048, !dbg !26
  %24 = getelementptr i8, ptr addrspace(1) %1, i64 1024, !dbg !27
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 3072) to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6152), ptr addrspace(1) %23, i32 2048, i16 0, i64 %14, i1 false, i1 true), !dbg !24
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 5120) to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6152), ptr addrspace(1) %24, i32 1024, i16 0, i64 0, i1 false, i1 false), !dbg !25
  br label %25, !dbg !20

25:                                               ; preds = %25, %21
  %26 = tail call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6160), i32 0), !dbg !21
  br i1 %26, label %27, label %25, !dbg !22

27:                                               ; preds = %25
  %28 = tail call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), i32 3072), !dbg !23
  %29 = getelementptr i8, ptr addrspace(1) %0, i64 4096, !dbg !26
  %30 = getelementptr i8, ptr addrspace(1) %1, i64 2048, !dbg !27
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) @smem to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), ptr addrspace(1) %29, i32 2048, i16 0, i64 %14, i1 false, i1 true), !dbg !24
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 2048) to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), ptr addrspace(1) %30, i32 1024, i16 0, i64 0, i1 false, i1 false), !dbg !25
  br label %31, !dbg !20

31:                                               ; preds = %31, %27
  %32 = tail call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6168), i32 0), !dbg !21
  br i1 %32, label %.loopexit.loopexit, label %31, !dbg !22

.loopexit.loopexit:                               ; preds = %31
  %33 = tail call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6152), i32 3072), !dbg !23
  %34 = getelementptr i8, ptr addrspace(1) %0, i64 6144, !dbg !26
  %35 = getelementptr i8, ptr addrspace(1) %1, i64 3072, !dbg !27
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 3072) to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6152), ptr addrspace(1) %34, i32 2048, i16 0, i64 %14, i1 false, i1 true), !dbg !24
  tail call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) addrspacecast (ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 5120) to ptr addrspace(7)), ptr addrspace(3) nonnull getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6152), ptr addrspace(1) %35, i32 1024, i16 0, i64 0, i1 false, i1 false), !dbg !25
  br label %.loopexit, !dbg !28

.loopexit:                                        ; preds = %.loopexit.loopexit, %10
  tail call void @llvm.nvvm.griddepcontrol.launch.dependents(), !dbg !28
  br label %241, !dbg !16

36:                                               ; preds = %8
  %37 = lshr i32 %5, 2, !dbg !29
  %38 = and i32 %37, 7, !dbg !29
  %39 = shl nuw nsw i32 %6, 4, !dbg !30
  %40 = or disjoint i32 %39, %38, !dbg !31
  %41 = or disjoint i32 %40, 8, !dbg !32
  %42 = shl nuw nsw i32 %40, 2
  %43 = shl nuw nsw i32 %41, 2
  %44 = zext nneg i32 %5 to i64
  br label %45, !dbg !33

45:                                               ; preds = %45, %36
  %46 = phi float [ 0.000000e+00, %36 ], [ %222, %45 ]
  %47 = phi float [ 0.000000e+00, %36 ], [ %221, %45 ]
  %48 = phi float [ 0.000000e+00, %36 ], [ %220, %45 ]
  %49 = phi float [ 0.000000e+00, %36 ], [ %219, %45 ]
  %50 = phi i32 [ 0, %36 ], [ %224, %45 ]
  %51 = and i32 %50, 1, !dbg !34
  %52 = or i32 %50, 2, !dbg !35
  %53 = zext nneg i32 %51 to i64, !dbg !36
  %54 = getelementptr i64, ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), i64 %53, !dbg !36
  %55 = zext nneg i32 %52 to i64, !dbg !37
  %56 = getelementptr i64, ptr addrspace(3) getelementptr inbounds nuw (i8, ptr addrspace(3) @smem, i64 6144), i64 %55, !dbg !37
  %57 = lshr i32 %50, 1, !dbg !38
  tail call void asm sideeffect "{\0A\09.reg .pred       P1; \0A\09LAB_WAIT: \0A\09mbarrier.try_wait.parity.shared.b64 P1, [$0], $1, $2; \0A\09@P1 bra.uni DONE; \0A\09bra.uni     LAB_WAIT; \0A\09DONE: \0A\09}", "r,r,n"(ptr addrspace(3) %54, i32 %57, i32 10000000) #4, !dbg !39
  %58 = mul nuw nsw i32 %51, 3072, !dbg !40
  %59 = zext nneg i32 %58 to i64, !dbg !41
  %60 = getelementptr i8, ptr addrspace(3) @smem, i64 %59, !dbg !41
  %61 = getelementptr i8, ptr addrspace(3) %60, i64 2048, !dbg !42
  %62 = ptrtoint ptr addrspace(3) %61 to i64, !dbg !43
  %63 = add nuw nsw i32 %50, %42, !dbg !44
  %64 = add nuw nsw i32 %50, %43, !dbg !45
  %65 = zext nneg i32 %63 to i64, !dbg !46
  %66 = getelementptr half, ptr addrspace(1) %2, i64 %65, !dbg !46
  %67 = zext nneg i32 %64 to i64, !dbg !47
  %68 = getelementptr half, ptr addrspace(1) %2, i64 %67, !dbg !47
  %69 = load half, ptr addrspace(1) %66, align 2, !dbg !48
  %70 = load half, ptr addrspace(1) %68, align 2, !dbg !49
  %71 = insertelement <2 x half> poison, half %69, i64 0, !dbg !50
  %72 = shufflevector <2 x half> %71, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !50
  %73 = insertelement <2 x half> poison, half %70, i64 0, !dbg !51
  %74 = shufflevector <2 x half> %73, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !51
  %75 = getelementptr i32, ptr addrspace(3) %60, i64 %44, !dbg !52
  %76 = load i32, ptr addrspace(3) %75, align 4, !dbg !53
  %77 = and i32 %76, 983055, !dbg !54
  %78 = or disjoint i32 %77, 1677747200, !dbg !55
  %79 = bitcast i32 %78 to <2 x half>, !dbg !56
  %80 = fadd <2 x half> %79, splat (half 0xHE408), !dbg !57
  %81 = fmul <2 x half> %72, %80, !dbg !58
  %82 = bitcast <2 x half> %81 to i32, !dbg !59
  %83 = lshr i32 %76, 4, !dbg !60
  %84 = and i32 %83, 983055, !dbg !61
  %85 = or disjoint i32 %84, 1677747200, !dbg !62
  %86 = bitcast i32 %85 to <2 x half>, !dbg !63
  %87 = fadd <2 x half> %86, splat (half 0xHE408), !dbg !64
  %88 = fmul <2 x half> %74, %87, !dbg !65
  %89 = bitcast <2 x half> %88 to i32, !dbg !66
  %90 = lshr i32 %76, 8, !dbg !67
  %91 = and i32 %90, 983055, !dbg !68
  %92 = or disjoint i32 %91, 1677747200, !dbg !69
  %93 = bitcast i32 %92 to <2 x half>, !dbg !70
  %94 = fadd <2 x half> %93, splat (half 0xHE408), !dbg !71
  %95 = fmul <2 x half> %72, %94, !dbg !72
  %96 = bitcast <2 x half> %95 to i32, !dbg !73
  %97 = lshr i32 %76, 12, !dbg !74
  %98 = and i32 %97, 983055, !dbg !75
  %99 = or disjoint i32 %98, 1677747200, !dbg !76
  %100 = bitcast i32 %99 to <2 x half>, !dbg !77
  %101 = fadd <2 x half> %100, splat (half 0xHE408), !dbg !78
  %102 = fmul <2 x half> %74, %101, !dbg !79
  %103 = bitcast <2 x half> %102 to i32, !dbg !80
  %104 = getelementptr i8, ptr addrspace(3) %60, i64 512, !dbg !81
  %105 = getelementptr i32, ptr addrspace(3) %104, i64 %44, !dbg !82
  %106 = load i32, ptr addrspace(3) %105, align 4, !dbg !83
  %107 = and i32 %106, 983055, !dbg !84
  %108 = or disjoint i32 %107, 1677747200, !dbg !85
  %109 = bitcast i32 %108 to <2 x half>, !dbg !86
  %110 = fadd <2 x half> %109, splat (half 0xHE408), !dbg !87
  %111 = fmul <2 x half> %72, %110, !dbg !88
  %112 = bitcast <2 x half> %111 to i32, !dbg !89
  %113 = lshr i32 %106, 4, !dbg !90
  %114 = and i32 %113, 983055, !dbg !91
  %115 = or disjoint i32 %114, 1677747200, !dbg !92
  %116 = bitcast i32 %115 to <2 x half>, !dbg !93
  %117 = fadd <2 x half> %116, splat (half 0xHE408), !dbg !94
  %118 = fmul <2 x half> %74, %117, !dbg !95
  %119 = bitcast <2 x half> %118 to i32, !dbg !96
  %120 = lshr i32 %106, 8, !dbg !97
  %121 = and i32 %120, 983055, !dbg !98
  %122 = or disjoint i32 %121, 1677747200, !dbg !99
  %123 = bitcast i32 %122 to <2 x half>, !dbg !100
  %124 = fadd <2 x half> %123, splat (half 0xHE408), !dbg !101
  %125 = fmul <2 x half> %72, %124, !dbg !102
  %126 = bitcast <2 x half> %125 to i32, !dbg !103
  %127 = lshr i32 %106, 12, !dbg !104
  %128 = and i32 %127, 983055, !dbg !105
  %129 = or disjoint i32 %128, 1677747200, !dbg !106
  %130 = bitcast i32 %129 to <2 x half>, !dbg !107
  %131 = fadd <2 x half> %130, splat (half 0xHE408), !dbg !108
  %132 = fmul <2 x half> %74, %131, !dbg !109
  %133 = bitcast <2 x half> %132 to i32, !dbg !110
  %134 = getelementptr i8, ptr addrspace(3) %60, i64 1024, !dbg !111
  %135 = getelementptr i32, ptr addrspace(3) %134, i64 %44, !dbg !112
  %136 = load i32, ptr addrspace(3) %135, align 4, !dbg !113
  %137 = and i32 %136, 983055, !dbg !114
  %138 = or disjoint i32 %137, 1677747200, !dbg !115
  %139 = bitcast i32 %138 to <2 x half>, !dbg !116
  %140 = fadd <2 x half> %139, splat (half 0xHE408), !dbg !117
  %141 = fmul <2 x half> %72, %140, !dbg !118
  %142 = bitcast <2 x half> %141 to i32, !dbg !119
  %143 = lshr i32 %136, 4, !dbg !120
  %144 = and i32 %143, 983055, !dbg !121
  %145 = or disjoint i32 %144, 1677747200, !dbg !122
  %146 = bitcast i32 %145 to <2 x half>, !dbg !123
  %147 = fadd <2 x half> %146, splat (half 0xHE408), !dbg !124
  %148 = fmul <2 x half> %74, %147, !dbg !125
  %149 = bitcast <2 x half> %148 to i32, !dbg !126
  %150 = lshr i32 %136, 8, !dbg !127
  %151 = and i32 %150, 983055, !dbg !128
  %152 = or disjoint i32 %151, 1677747200, !dbg !129
  %153 = bitcast i32 %152 to <2 x half>, !dbg !130
  %154 = fadd <2 x half> %153, splat (half 0xHE408), !dbg !131
  %155 = fmul <2 x half> %72, %154, !dbg !132
  %156 = bitcast <2 x half> %155 to i32, !dbg !133
  %157 = lshr i32 %136, 12, !dbg !134
  %158 = and i32 %157, 983055, !dbg !135
  %159 = or disjoint i32 %158, 1677747200, !dbg !136
  %160 = bitcast i32 %159 to <2 x half>, !dbg !137
  %161 = fadd <2 x half> %160, splat (half 0xHE408), !dbg !138
  %162 = fmul <2 x half> %74, %161, !dbg !139
  %163 = bitcast <2 x half> %162 to i32, !dbg !140
  %164 = getelementptr i8, ptr addrspace(3) %60, i64 1536, !dbg !141
  %165 = getelementptr i32, ptr addrspace(3) %164, i64 %44, !dbg !142
  %166 = load i32, ptr addrspace(3) %165, align 4, !dbg !143
  %167 = and i32 %166, 983055, !dbg !144
  %168 = or disjoint i32 %167, 1677747200, !dbg !145
  %169 = bitcast i32 %168 to <2 x half>, !dbg !146
  %170 = fadd <2 x half> %169, splat (half 0xHE408), !dbg !147
  %171 = fmul <2 x half> %72, %170, !dbg !148
  %172 = bitcast <2 x half> %171 to i32, !dbg !149
  %173 = lshr i32 %166, 4, !dbg !150
  %174 = and i32 %173, 983055, !dbg !151
  %175 = or disjoint i32 %174, 1677747200, !dbg !152
  %176 = bitcast i32 %175 to <2 x half>, !dbg !153
  %177 = fadd <2 x half> %176, splat (half 0xHE408), !dbg !154
  %178 = fmul <2 x half> %74, %177, !dbg !155
  %179 = bitcast <2 x half> %178 to i32, !dbg !156
  %180 = lshr i32 %166, 8, !dbg !157
  %181 = and i32 %180, 983055, !dbg !158
  %182 = or disjoint i32 %181, 1677747200, !dbg !159
  %183 = bitcast i32 %182 to <2 x half>, !dbg !160
  %184 = fadd <2 x half> %183, splat (half 0xHE408), !dbg !161
  %185 = fmul <2 x half> %72, %184, !dbg !162
  %186 = bitcast <2 x half> %185 to i32, !dbg !163
  %187 = lshr i32 %166, 12, !dbg !164
  %188 = and i32 %187, 983055, !dbg !165
  %189 = or disjoint i32 %188, 1677747200, !dbg !166
  %190 = bitcast i32 %189 to <2 x half>, !dbg !167
  %191 = fadd <2 x half> %190, splat (half 0xHE408), !dbg !168
  %192 = fmul <2 x half> %74, %191, !dbg !169
  %193 = bitcast <2 x half> %192 to i32, !dbg !170
  tail call void @llvm.nvvm.wgmma.fence.sync.aligned(), !dbg !171
  %194 = lshr exact i64 %62, 4, !dbg !172
  %195 = and i64 %194, 16383, !dbg !173
  %196 = or disjoint i64 %195, 274878431232, !dbg !174
  %197 = tail call { float, float, float, float } asm sideeffect "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3"(i32 %82, i32 %89, i32 %96, i32 %103, i64 %196, i32 1, float %49, float %48, float %47, float %46) #4, !dbg !175
  %198 = extractvalue { float, float, float, float } %197, 0, !dbg !176
  %199 = extractvalue { float, float, float, float } %197, 1, !dbg !177
  %200 = extractvalue { float, float, float, float } %197, 2, !dbg !178
  %201 = extractvalue { float, float, float, float } %197, 3, !dbg !179
  %202 = and i64 %194, 16367, !dbg !180
  %203 = or disjoint i64 %202, 274878431248, !dbg !181
  %204 = tail call { float, float, float, float } asm sideeffect "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3"(i32 %112, i32 %119, i32 %126, i32 %133, i64 %203, i32 1, float %198, float %199, float %200, float %201) #4, !dbg !182
  %205 = extractvalue { float, float, float, float } %204, 0, !dbg !183
  %206 = extractvalue { float, float, float, float } %204, 1, !dbg !184
  %207 = extractvalue { float, float, float, float } %204, 2, !dbg !185
  %208 = extractvalue { float, float, float, float } %204, 3, !dbg !186
  %209 = and i64 %194, 16351, !dbg !187
  %210 = or disjoint i64 %209, 274878431264, !dbg !188
  %211 = tail call { float, float, float, float } asm sideeffect "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3"(i32 %142, i32 %149, i32 %156, i32 %163, i64 %210, i32 1, float %205, float %206, float %207, float %208) #4, !dbg !189
  %212 = extractvalue { float, float, float, float } %211, 0, !dbg !190
  %213 = extractvalue { float, float, float, float } %211, 1, !dbg !191
  %214 = extractvalue { float, float, float, float } %211, 2, !dbg !192
  %215 = extractvalue { float, float, float, float } %211, 3, !dbg !193
  %216 = and i64 %194, 16335, !dbg !194
  %217 = or disjoint i64 %216, 274878431280, !dbg !195
  %218 = tail call { float, float, float, float } asm sideeffect "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3"(i32 %172, i32 %179, i32 %186, i32 %193, i64 %217, i32 1, float %212, float %213, float %214, float %215) #4, !dbg !196
  %219 = extractvalue { float, float, float, float } %218, 0, !dbg !197
  %220 = extractvalue { float, float, float, float } %218, 1, !dbg !198
  %221 = extractvalue { float, float, float, float } %218, 2, !dbg !199
  %222 = extractvalue { float, float, float, float } %218, 3, !dbg !200
  tail call void @llvm.nvvm.wgmma.commit_group.sync.aligned(), !dbg !201
  tail call void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64 0), !dbg !202
  %223 = tail call i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3) %56), !dbg !203
  %224 = add nuw nsw i32 %50, 1, !dbg !33
  %exitcond.not = icmp eq i32 %224, 4, !dbg !33
  br i1 %exitcond.not, label %225, label %45, !dbg !33

225:                                              ; preds = %45
  %226 = shl nuw nsw i32 %5, 7, !dbg !204
  %227 = and i32 %226, 384, !dbg !204
  %228 = or disjoint i32 %40, %227, !dbg !205
  %229 = zext nneg i32 %228 to i64, !dbg !206
  %230 = getelementptr float, ptr addrspace(1) %3, i64 %229, !dbg !206
  store float %219, ptr addrspace(1) %230, align 4, !dbg !207
  %231 = or disjoint i32 %227, 64, !dbg !208
  %232 = add nuw nsw i32 %231, %40, !dbg !209
  %233 = zext nneg i32 %232 to i64, !dbg !210
  %234 = getelementptr float, ptr addrspace(1) %3, i64 %233, !dbg !210
  store float %220, ptr addrspace(1) %234, align 4, !dbg !211
  %235 = or disjoint i32 %41, %227, !dbg !212
  %236 = zext nneg i32 %235 to i64, !dbg !213
  %237 = getelementptr float, ptr addrspace(1) %3, i64 %236, !dbg !213
  store float %221, ptr addrspace(1) %237, align 4, !dbg !214
  %238 = add nuw nsw i32 %41, %231, !dbg !215
  %239 = zext nneg i32 %238 to i64, !dbg !216
  %240 = getelementptr float, ptr addrspace(1) %3, i64 %239, !dbg !216
  store float %222, ptr addrspace(1) %240, align 4, !dbg !217
  br label %241, !dbg !16

241:                                              ; preds = %225, %.loopexit
  ret void, !dbg !218
}

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare noundef range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x() #1

; Function Attrs: nocallback nounwind
declare void @llvm.nvvm.fence.mbarrier_init.release.cluster() #2

; Function Attrs: convergent nocallback nounwind
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32) #3

; Function Attrs: nounwind
declare void @llvm.nvvm.griddepcontrol.wait() #4

; Function Attrs: convergent nounwind
declare void @llvm.nvvm.wgmma.fence.sync.aligned() #5

; Function Attrs: convergent nounwind
declare void @llvm.nvvm.wgmma.commit_group.sync.aligned() #5

; Function Attrs: convergent nounwind
declare void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64 immarg) #5

; Function Attrs: convergent nocallback nounwind
declare i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3)) #3

; Function Attrs: convergent nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: readwrite)
declare { i32, i1 } @llvm.nvvm.elect.sync(i32) #6

; Function Attrs: nounwind
declare void @llvm.nvvm.griddepcontrol.launch.dependents() #4

; Function Attrs: convergent nocallback nounwind
declare i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) captures(none), i32) #3

; Function Attrs: convergent nocallback nounwind
declare i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3), i32) #3

; Function Attrs: convergent nocallback nofree nosync nounwind willreturn memory(argmem: readwrite)
declare void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) writeonly, ptr addrspace(3), ptr addrspace(1) readonly, i32, i16, i64, i1 immarg, i1 immarg) #7

; Function Attrs: convergent nocallback nounwind
declare void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3), i32) #3

attributes #0 = { nounwind "nvvm.maxntid"="160,1,1" }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { nocallback nounwind }
attributes #3 = { convergent nocallback nounwind }
attributes #4 = { nounwind }
attributes #5 = { convergent nounwind }
attributes #6 = { convergent nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: readwrite) }
attributes #7 = { convergent nocallback nofree nosync nounwind willreturn memory(argmem: readwrite) }

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}

!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "MLIR", isOptimized: true, runtimeVersion: 0, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "w4_specialised.mlir", directory: "")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = distinct !DISubprogram(name: "w4_specialised", linkageName: "w4_specialised", scope: !1, file: !1, line: 12, type: !4, scopeLine: 12, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !0)
!4 = !DISubroutineType(cc: DW_CC_normal, types: !5)
!5 = !{}
!6 = !DILocation(line: 34, column: 12, scope: !3)
!7 = !DILocation(line: 35, column: 13, scope: !3)
!8 = !DILocation(line: 37, column: 10, scope: !3)
!9 = !DILocation(line: 39, column: 5, scope: !3)
!10 = !DILocation(line: 44, column: 9, scope: !3)
!11 = !DILocation(line: 45, column: 9, scope: !3)
!12 = !DILocation(line: 47, column: 7, scope: !3)
!13 = !DILocation(line: 49, column: 5, scope: !3)
!14 = !DILocation(line: 50, column: 5, scope: !3)
!15 = !DILocation(line: 51, column: 15, scope: !3)
!16 = !DILocation(line: 52, column: 5, scope: !3)
!17 = !DILocation(line: 53, column: 13, scope: !3)
!18 = !DILocation(line: 54, column: 7, scope: !3)
!19 = !DILocation(line: 55, column: 16, scope: !3)
!20 = !DILocation(line: 64, column: 11, scope: !3)
!21 = !DILocation(line: 65, column: 19, scope: !3)
!22 = !DILocation(line: 68, column: 13, scope: !3)
!23 = !DILocation(line: 72, column: 11, scope: !3)
!24 = !DILocation(line: 82, column: 11, scope: !3)
!25 = !DILocation(line: 83, column: 11, scope: !3)
!26 = !DILocation(line: 78, column: 17, scope: !3)
!27 = !DILocation(line: 79, column: 17, scope: !3)
!28 = !DILocation(line: 86, column: 7, scope: !3)
!29 = !DILocation(line: 88, column: 12, scope: !3)
!30 = !DILocation(line: 90, column: 14, scope: !3)
!31 = !DILocation(line: 91, column: 13, scope: !3)
!32 = !DILocation(line: 92, column: 13, scope: !3)
!33 = !DILocation(line: 97, column: 16, scope: !3)
!34 = !DILocation(line: 98, column: 14, scope: !3)
!35 = !DILocation(line: 99, column: 15, scope: !3)
!36 = !DILocation(line: 100, column: 17, scope: !3)
!37 = !DILocation(line: 101, column: 18, scope: !3)
!38 = !DILocation(line: 102, column: 16, scope: !3)
!39 = !DILocation(line: 105, column: 9, scope: !3)
!40 = !DILocation(line: 106, column: 15, scope: !3)
!41 = !DILocation(line: 107, column: 15, scope: !3)
!42 = !DILocation(line: 108, column: 15, scope: !3)
!43 = !DILocation(line: 109, column: 15, scope: !3)
!44 = !DILocation(line: 112, column: 16, scope: !3)
!45 = !DILocation(line: 113, column: 16, scope: !3)
!46 = !DILocation(line: 114, column: 15, scope: !3)
!47 = !DILocation(line: 115, column: 15, scope: !3)
!48 = !DILocation(line: 116, column: 15, scope: !3)
!49 = !DILocation(line: 117, column: 15, scope: !3)
!50 = !DILocation(line: 118, column: 16, scope: !3)
!51 = !DILocation(line: 119, column: 16, scope: !3)
!52 = !DILocation(line: 121, column: 17, scope: !3)
!53 = !DILocation(line: 122, column: 17, scope: !3)
!54 = !DILocation(line: 123, column: 17, scope: !3)
!55 = !DILocation(line: 124, column: 17, scope: !3)
!56 = !DILocation(line: 125, column: 17, scope: !3)
!57 = !DILocation(line: 126, column: 17, scope: !3)
!58 = !DILocation(line: 127, column: 17, scope: !3)
!59 = !DILocation(line: 128, column: 17, scope: !3)
!60 = !DILocation(line: 130, column: 17, scope: !3)
!61 = !DILocation(line: 131, column: 17, scope: !3)
!62 = !DILocation(line: 132, column: 17, scope: !3)
!63 = !DILocation(line: 133, column: 17, scope: !3)
!64 = !DILocation(line: 134, column: 17, scope: !3)
!65 = !DILocation(line: 135, column: 17, scope: !3)
!66 = !DILocation(line: 136, column: 17, scope: !3)
!67 = !DILocation(line: 138, column: 17, scope: !3)
!68 = !DILocation(line: 139, column: 17, scope: !3)
!69 = !DILocation(line: 140, column: 17, scope: !3)
!70 = !DILocation(line: 141, column: 17, scope: !3)
!71 = !DILocation(line: 142, column: 17, scope: !3)
!72 = !DILocation(line: 143, column: 17, scope: !3)
!73 = !DILocation(line: 144, column: 17, scope: !3)
!74 = !DILocation(line: 146, column: 17, scope: !3)
!75 = !DILocation(line: 147, column: 17, scope: !3)
!76 = !DILocation(line: 148, column: 17, scope: !3)
!77 = !DILocation(line: 149, column: 17, scope: !3)
!78 = !DILocation(line: 150, column: 17, scope: !3)
!79 = !DILocation(line: 151, column: 17, scope: !3)
!80 = !DILocation(line: 152, column: 17, scope: !3)
!81 = !DILocation(line: 153, column: 16, scope: !3)
!82 = !DILocation(line: 154, column: 17, scope: !3)
!83 = !DILocation(line: 155, column: 17, scope: !3)
!84 = !DILocation(line: 156, column: 17, scope: !3)
!85 = !DILocation(line: 157, column: 17, scope: !3)
!86 = !DILocation(line: 158, column: 17, scope: !3)
!87 = !DILocation(line: 159, column: 17, scope: !3)
!88 = !DILocation(line: 160, column: 17, scope: !3)
!89 = !DILocation(line: 161, column: 17, scope: !3)
!90 = !DILocation(line: 163, column: 17, scope: !3)
!91 = !DILocation(line: 164, column: 17, scope: !3)
!92 = !DILocation(line: 165, column: 17, scope: !3)
!93 = !DILocation(line: 166, column: 17, scope: !3)
!94 = !DILocation(line: 167, column: 17, scope: !3)
!95 = !DILocation(line: 168, column: 17, scope: !3)
!96 = !DILocation(line: 169, column: 17, scope: !3)
!97 = !DILocation(line: 171, column: 17, scope: !3)
!98 = !DILocation(line: 172, column: 17, scope: !3)
!99 = !DILocation(line: 173, column: 17, scope: !3)
!100 = !DILocation(line: 174, column: 17, scope: !3)
!101 = !DILocation(line: 175, column: 17, scope: !3)
!102 = !DILocation(line: 176, column: 17, scope: !3)
!103 = !DILocation(line: 177, column: 17, scope: !3)
!104 = !DILocation(line: 179, column: 17, scope: !3)
!105 = !DILocation(line: 180, column: 17, scope: !3)
!106 = !DILocation(line: 181, column: 17, scope: !3)
!107 = !DILocation(line: 182, column: 17, scope: !3)
!108 = !DILocation(line: 183, column: 17, scope: !3)
!109 = !DILocation(line: 184, column: 17, scope: !3)
!110 = !DILocation(line: 185, column: 17, scope: !3)
!111 = !DILocation(line: 186, column: 16, scope: !3)
!112 = !DILocation(line: 187, column: 17, scope: !3)
!113 = !DILocation(line: 188, column: 17, scope: !3)
!114 = !DILocation(line: 189, column: 17, scope: !3)
!115 = !DILocation(line: 190, column: 17, scope: !3)
!116 = !DILocation(line: 191, column: 17, scope: !3)
!117 = !DILocation(line: 192, column: 17, scope: !3)
!118 = !DILocation(line: 193, column: 17, scope: !3)
!119 = !DILocation(line: 194, column: 17, scope: !3)
!120 = !DILocation(line: 196, column: 17, scope: !3)
!121 = !DILocation(line: 197, column: 17, scope: !3)
!122 = !DILocation(line: 198, column: 17, scope: !3)
!123 = !DILocation(line: 199, column: 17, scope: !3)
!124 = !DILocation(line: 200, column: 17, scope: !3)
!125 = !DILocation(line: 201, column: 17, scope: !3)
!126 = !DILocation(line: 202, column: 17, scope: !3)
!127 = !DILocation(line: 204, column: 17, scope: !3)
!128 = !DILocation(line: 205, column: 17, scope: !3)
!129 = !DILocation(line: 206, column: 17, scope: !3)
!130 = !DILocation(line: 207, column: 17, scope: !3)
!131 = !DILocation(line: 208, column: 17, scope: !3)
!132 = !DILocation(line: 209, column: 17, scope: !3)
!133 = !DILocation(line: 210, column: 17, scope: !3)
!134 = !DILocation(line: 212, column: 17, scope: !3)
!135 = !DILocation(line: 213, column: 17, scope: !3)
!136 = !DILocation(line: 214, column: 17, scope: !3)
!137 = !DILocation(line: 215, column: 17, scope: !3)
!138 = !DILocation(line: 216, column: 17, scope: !3)
!139 = !DILocation(line: 217, column: 17, scope: !3)
!140 = !DILocation(line: 218, column: 17, scope: !3)
!141 = !DILocation(line: 219, column: 16, scope: !3)
!142 = !DILocation(line: 220, column: 17, scope: !3)
!143 = !DILocation(line: 221, column: 17, scope: !3)
!144 = !DILocation(line: 222, column: 17, scope: !3)
!145 = !DILocation(line: 223, column: 17, scope: !3)
!146 = !DILocation(line: 224, column: 17, scope: !3)
!147 = !DILocation(line: 225, column: 17, scope: !3)
!148 = !DILocation(line: 226, column: 17, scope: !3)
!149 = !DILocation(line: 227, column: 17, scope: !3)
!150 = !DILocation(line: 229, column: 17, scope: !3)
!151 = !DILocation(line: 230, column: 17, scope: !3)
!152 = !DILocation(line: 231, column: 17, scope: !3)
!153 = !DILocation(line: 232, column: 17, scope: !3)
!154 = !DILocation(line: 233, column: 17, scope: !3)
!155 = !DILocation(line: 234, column: 17, scope: !3)
!156 = !DILocation(line: 235, column: 17, scope: !3)
!157 = !DILocation(line: 237, column: 17, scope: !3)
!158 = !DILocation(line: 238, column: 17, scope: !3)
!159 = !DILocation(line: 239, column: 17, scope: !3)
!160 = !DILocation(line: 240, column: 17, scope: !3)
!161 = !DILocation(line: 241, column: 17, scope: !3)
!162 = !DILocation(line: 242, column: 17, scope: !3)
!163 = !DILocation(line: 243, column: 17, scope: !3)
!164 = !DILocation(line: 245, column: 17, scope: !3)
!165 = !DILocation(line: 246, column: 17, scope: !3)
!166 = !DILocation(line: 247, column: 17, scope: !3)
!167 = !DILocation(line: 248, column: 17, scope: !3)
!168 = !DILocation(line: 249, column: 17, scope: !3)
!169 = !DILocation(line: 250, column: 17, scope: !3)
!170 = !DILocation(line: 251, column: 17, scope: !3)
!171 = !DILocation(line: 252, column: 9, scope: !3)
!172 = !DILocation(line: 255, column: 16, scope: !3)
!173 = !DILocation(line: 257, column: 16, scope: !3)
!174 = !DILocation(line: 260, column: 16, scope: !3)
!175 = !DILocation(line: 262, column: 16, scope: !3)
!176 = !DILocation(line: 263, column: 17, scope: !3)
!177 = !DILocation(line: 264, column: 17, scope: !3)
!178 = !DILocation(line: 265, column: 17, scope: !3)
!179 = !DILocation(line: 266, column: 17, scope: !3)
!180 = !DILocation(line: 271, column: 16, scope: !3)
!181 = !DILocation(line: 274, column: 16, scope: !3)
!182 = !DILocation(line: 276, column: 16, scope: !3)
!183 = !DILocation(line: 277, column: 17, scope: !3)
!184 = !DILocation(line: 278, column: 17, scope: !3)
!185 = !DILocation(line: 279, column: 17, scope: !3)
!186 = !DILocation(line: 280, column: 17, scope: !3)
!187 = !DILocation(line: 285, column: 16, scope: !3)
!188 = !DILocation(line: 288, column: 16, scope: !3)
!189 = !DILocation(line: 290, column: 16, scope: !3)
!190 = !DILocation(line: 291, column: 17, scope: !3)
!191 = !DILocation(line: 292, column: 17, scope: !3)
!192 = !DILocation(line: 293, column: 17, scope: !3)
!193 = !DILocation(line: 294, column: 17, scope: !3)
!194 = !DILocation(line: 299, column: 16, scope: !3)
!195 = !DILocation(line: 302, column: 16, scope: !3)
!196 = !DILocation(line: 304, column: 16, scope: !3)
!197 = !DILocation(line: 305, column: 17, scope: !3)
!198 = !DILocation(line: 306, column: 17, scope: !3)
!199 = !DILocation(line: 307, column: 17, scope: !3)
!200 = !DILocation(line: 308, column: 17, scope: !3)
!201 = !DILocation(line: 309, column: 9, scope: !3)
!202 = !DILocation(line: 310, column: 9, scope: !3)
!203 = !DILocation(line: 311, column: 15, scope: !3)
!204 = !DILocation(line: 314, column: 13, scope: !3)
!205 = !DILocation(line: 317, column: 14, scope: !3)
!206 = !DILocation(line: 318, column: 14, scope: !3)
!207 = !DILocation(line: 319, column: 7, scope: !3)
!208 = !DILocation(line: 320, column: 13, scope: !3)
!209 = !DILocation(line: 321, column: 14, scope: !3)
!210 = !DILocation(line: 322, column: 14, scope: !3)
!211 = !DILocation(line: 323, column: 7, scope: !3)
!212 = !DILocation(line: 325, column: 14, scope: !3)
!213 = !DILocation(line: 326, column: 14, scope: !3)
!214 = !DILocation(line: 327, column: 7, scope: !3)
!215 = !DILocation(line: 329, column: 14, scope: !3)
!216 = !DILocation(line: 330, column: 14, scope: !3)
!217 = !DILocation(line: 331, column: 7, scope: !3)
!218 = !DILocation(line: 333, column: 5, scope: !3)
